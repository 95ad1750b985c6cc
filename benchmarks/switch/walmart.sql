-- Products and sales, a quarter of the rows each. ?1: rows.
CREATE TABLE stores (id INTEGER PRIMARY KEY AUTOINCREMENT, city TEXT);
INSERT INTO stores (city) VALUES ('Bonn'), ('Köln');
CREATE TABLE products (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL, name TEXT, price DECIMAL(10,2), stock INTEGER,
    attributes JSON, updated_at TIMESTAMP, removed_at TIMESTAMP);
CREATE TABLE sales (
    ticket TEXT NOT NULL PRIMARY KEY, product_id INTEGER REFERENCES products (id), amount INTEGER,
    price DECIMAL(10,2), sold_at TIMESTAMP);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 / 4)
INSERT INTO products
SELECT i, printf('sku%09d', i), 'Product ' || i || ', fresh from the region', i % 9999 / 100.0, i % 100,
       json_object('aisle', i % 40, 'organic', i % 5 = 0), datetime(1600000000 + i * 3, 'unixepoch'), NULL
FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 / 4)
INSERT INTO sales
SELECT printf('t%09d', i), 1 + i * 7919 % (?1 / 4), 1 + i % 5, i % 9999 / 100.0,
       datetime(1600000000 + i, 'unixepoch')
FROM n;
CREATE UNIQUE INDEX products_sku ON products (sku);
CREATE INDEX sales_product ON sales (product_id);
