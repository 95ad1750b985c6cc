-- E-mails (half of the rows) and what became of them. ?1: rows.
CREATE TABLE emails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL, sender TEXT, subject TEXT, body TEXT,
    labels JSON, is_read BOOLEAN DEFAULT 0, opened INTEGER, received_at TIMESTAMP, archived_at TIMESTAMP);
CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value TEXT);
CREATE TABLE visits (at TIMESTAMP, page TEXT, seconds REAL);
INSERT INTO settings VALUES ('theme', 'dark'), ('language', 'en');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 / 2)
INSERT INTO emails
SELECT i, printf('m%09d@example.com', i), printf('sender%d@example.com', i % 5000), 'Subject ' || i,
       'Dear customer, your order ' || i || ' is on its way, and will be with you within three working days.',
       json_array('inbox', 'label' || i % 9), i % 3 = 0, NULL,
       datetime(1600000000 + i * 7, 'unixepoch'), NULL
FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO visits SELECT datetime(1600000000 + i, 'unixepoch'), '/page/' || i % 50, i / 10.0 FROM n;
CREATE UNIQUE INDEX emails_message ON emails (message_id);
CREATE INDEX emails_sender ON emails (sender);
