-- Everything that stands on the tables of the grocery database; made after the rows, which is quicker.

CREATE INDEX idx_products_category ON walmart_products (category, price DESC);
CREATE INDEX idx_products_name_lower ON walmart_products (lower(name));
CREATE INDEX idx_products_in_stock ON walmart_products (brand) WHERE in_stock = 1;
CREATE INDEX idx_lists_user ON grocery_lists (user_id, created_at DESC);
CREATE INDEX idx_items_list ON grocery_items (list_id);
CREATE INDEX idx_items_open ON grocery_items (list_id, product_id) WHERE checked = 0;
CREATE INDEX idx_carts_open ON shopping_carts (user_id) WHERE status = 'open';
CREATE INDEX idx_prices_recorded ON price_history (recorded_on DESC);
CREATE INDEX idx_purchases_user ON purchase_history (user_id, purchased_at DESC);
CREATE INDEX idx_alerts_active ON deal_alerts (product_id, target) WHERE is_active = 1;

CREATE TRIGGER walmart_products_updated_at AFTER UPDATE ON walmart_products FOR EACH ROW BEGIN
    UPDATE walmart_products SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;
CREATE TRIGGER grocery_lists_updated_at AFTER UPDATE ON grocery_lists FOR EACH ROW BEGIN
    UPDATE grocery_lists SET updated_at = datetime('now') WHERE id = NEW.id;
END;

CREATE VIEW list_totals AS
SELECT l.id, l.name, COUNT(i.id) AS items,
       SUM(CASE WHEN i.checked = 1 THEN 1 ELSE 0 END) AS checked_items,
       COALESCE(SUM(i.quantity * i.unit_price), 0) AS total
FROM grocery_lists l LEFT JOIN grocery_items i ON i.list_id = l.id
GROUP BY l.id, l.name;

CREATE VIEW current_deals AS
SELECT id, name, price, regular_price, regular_price - price AS saving
FROM walmart_products
WHERE in_stock = 1 AND regular_price IS NOT NULL AND price < regular_price;

CREATE VIEW active_lists AS
SELECT id, name, user_id, datetime(updated_at) AS changed_at
FROM grocery_lists WHERE status <> 'archived';

CREATE VIEW spending_by_user AS
SELECT user_id, COUNT(*) AS purchases, SUM(paid * quantity) AS spent, MIN(purchased_at) AS first_purchase
FROM purchase_history GROUP BY user_id;
