-- Triggers as applications write them. Each section: a schema, then statements that both engines run.

--- the updated_at shape does not fire itself
CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT, updated_at DATETIME DEFAULT '2020-01-01 00:00:00', n INTEGER DEFAULT 0);
CREATE TRIGGER note_touched AFTER UPDATE ON note FOR EACH ROW BEGIN
  UPDATE note SET updated_at = CURRENT_TIMESTAMP, n = n + 1 WHERE id = NEW.id;
END;
-->
INSERT INTO note (body) VALUES ('one'), ('two'), ('three')
UPDATE note SET body = 'changed' WHERE id = 1
UPDATE note SET body = body || '!'

--- an updated_at in a column of text, from datetime('now')
CREATE TABLE note (id TEXT PRIMARY KEY, body TEXT, updated_at TEXT);
CREATE TRIGGER "touch it too" AFTER UPDATE OF body ON note BEGIN
  UPDATE note SET updated_at = datetime('now') WHERE id = NEW.id;
END;
-->
INSERT INTO note (id, body) VALUES ('a', 'one'), ('b', 'two')
UPDATE note SET body = 'changed' WHERE id = 'a'

--- an audit of old and new values
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2), active BOOLEAN DEFAULT TRUE);
CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, item INTEGER, old TEXT, new TEXT,
  price DECIMAL(10,2), active BOOLEAN, changed BOOLEAN, at TIMESTAMP);
CREATE TRIGGER item_added AFTER INSERT ON item BEGIN
  INSERT INTO audit VALUES (NULL, 'insert', NEW.id, NULL, NEW.name, NEW.price, NEW.active, 0, CURRENT_TIMESTAMP);
END;
CREATE TRIGGER item_changed AFTER UPDATE OF name, price ON item WHEN OLD.name <> NEW.name OR OLD.price IS NOT NEW.price BEGIN
  INSERT INTO audit (what, item, old, new, price, active, changed, at)
  VALUES ('update', NEW.id, OLD.name, NEW.name, NEW.price - OLD.price, NEW.active, OLD.name <> NEW.name, datetime('now')),
         ('update', NEW.rowid, lower(OLD.name), upper(NEW.name) || '-' || NEW.id, NULL, NULL, CASE WHEN NEW.price > 5 THEN 1 ELSE 0 END, NULL);
END;
CREATE TRIGGER item_gone AFTER DELETE ON item BEGIN
  INSERT INTO audit (what, item, old, active) VALUES ('delete', OLD.id, OLD.name, 1);
END;
-->
INSERT INTO item (name, price) VALUES ('bolt', 1.5), ('Nut', 2)
UPDATE item SET price = 7.25 WHERE id = 1
UPDATE item SET name = 'it''s \ a "nut"', price = price WHERE id = 2
UPDATE item SET active = FALSE
DELETE FROM item

--- RAISE(ABORT) refuses what a condition forbids
CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, frozen BOOLEAN DEFAULT FALSE);
CREATE TRIGGER no_debt BEFORE UPDATE OF balance ON account WHEN NEW.balance < 0 BEGIN
  SELECT RAISE(ABORT, 'the balance of an account can''t be negative');
END;
CREATE TRIGGER frozen BEFORE UPDATE ON account BEGIN
  SELECT CASE WHEN OLD.frozen = 1 AND NEW.frozen THEN RAISE(ROLLBACK, 'frozen') WHEN NEW.balance = 13 THEN RAISE(FAIL, "unlucky") END;
END;
CREATE TRIGGER at_most_three BEFORE INSERT ON account BEGIN
  SELECT RAISE(ABORT, 'too many') WHERE (SELECT count(*) FROM account) >= 3;
END;
CREATE TRIGGER no_delete BEFORE DELETE ON account BEGIN
  SELECT CASE WHEN count(*) = 1 THEN RAISE(ABORT, 'the last one') END FROM account;
  SELECT RAISE(ABORT, 'somebody has more') FROM account WHERE balance > OLD.balance;
END;
-->
INSERT INTO account (id, balance) VALUES (1, 5)
INSERT INTO account (id, balance) VALUES (2, 6), (3, 7), (4, 8)
INSERT INTO account (id, balance) VALUES (2, 6), (3, 7)
UPDATE account SET balance = balance - 6
UPDATE account SET balance = 13 WHERE id = 1
UPDATE account SET frozen = TRUE WHERE id = 2
UPDATE account SET balance = 1 WHERE id = 2
DELETE FROM account WHERE id = 1
DELETE FROM account WHERE id = 3
DELETE FROM account WHERE id = 2
DELETE FROM account

--- RAISE(IGNORE) skips the row before it is written
CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER);
CREATE TABLE log (v INTEGER, what TEXT);
CREATE TRIGGER t_even BEFORE INSERT ON t WHEN NEW.v % 2 = 0 BEGIN
  INSERT INTO log VALUES (NEW.v, 'skipped');
  SELECT RAISE(IGNORE);
END;
CREATE TRIGGER t_logged AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.v, 'kept'); END;
CREATE TRIGGER t_pinned BEFORE DELETE ON t BEGIN SELECT CASE WHEN OLD.v = 3 THEN RAISE(IGNORE) END; END;
CREATE TRIGGER t_frozen BEFORE UPDATE ON t WHEN NEW.v < OLD.v BEGIN SELECT RAISE(IGNORE); END;
-->
INSERT INTO t (id, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)
UPDATE t SET v = 6 - v
DELETE FROM t

--- a trigger fires others, and not itself through them
CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 0);
CREATE TABLE b (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 0);
CREATE TABLE c (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 0);
CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER a_to_b AFTER UPDATE ON a BEGIN
  INSERT INTO log (what) VALUES ('a');
  UPDATE b SET n = n + 1 WHERE id = NEW.id;
  UPDATE a SET n = n + 10 WHERE id <> NEW.id;
END;
CREATE TRIGGER a_second AFTER UPDATE ON a BEGIN INSERT INTO log (what) VALUES ('a second'); END;
CREATE TRIGGER b_to_c AFTER UPDATE ON b BEGIN
  INSERT INTO log (what) VALUES ('b');
  UPDATE c SET n = n + 1 WHERE id = NEW.id;
END;
CREATE TRIGGER c_to_a AFTER UPDATE ON c BEGIN
  INSERT INTO log (what) VALUES ('c');
  UPDATE a SET n = n + 100 WHERE id = NEW.id;
END;
-->
INSERT INTO a (id) VALUES (1), (2)
INSERT INTO b (id) VALUES (1), (2)
INSERT INTO c (id) VALUES (1), (2)
UPDATE a SET n = 1 WHERE id = 1
UPDATE c SET n = 5 WHERE id = 2
UPDATE b SET n = n

--- the last trigger made fires first
CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER);
CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER alpha AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('alpha ' || NEW.v); END;
CREATE TRIGGER beta AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('beta ' || NEW.v); END;
CREATE TRIGGER Gamma AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('gamma ' || NEW.v); END;
CREATE TRIGGER zeta AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES ('zeta'); END;
CREATE TRIGGER eta AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES ('eta'); END;
-->
INSERT INTO t (v) VALUES (1), (2)
UPDATE t SET v = 3

--- the totals of a cart follow its items
CREATE TABLE cart (id INTEGER PRIMARY KEY, items INTEGER DEFAULT 0, total DECIMAL(10,2) DEFAULT 0, updated_at TIMESTAMP);
CREATE TABLE cart_item (id INTEGER PRIMARY KEY, cart_id INTEGER NOT NULL REFERENCES cart(id) ON DELETE CASCADE, price REAL, amount INTEGER);
CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, cart_id INTEGER, what TEXT, change INTEGER);
CREATE TRIGGER item_added AFTER INSERT ON cart_item BEGIN
  INSERT INTO event (cart_id, what, change) VALUES (NEW.cart_id, 'added', NEW.amount);
  UPDATE cart SET items = (SELECT COUNT(*) FROM cart_item WHERE cart_id = NEW.cart_id),
    total = (SELECT COALESCE(SUM(price * amount), 0) FROM cart_item WHERE cart_id = NEW.cart_id), updated_at = datetime('now')
  WHERE id = NEW.cart_id;
END;
CREATE TRIGGER item_removed AFTER DELETE ON cart_item BEGIN
  INSERT INTO event (cart_id, what, change) VALUES (OLD.cart_id, 'removed', -OLD.amount);
  UPDATE cart SET items = (SELECT COUNT(*) FROM cart_item i WHERE i.cart_id = OLD.cart_id),
    total = (SELECT COALESCE(SUM(price * amount), 0) FROM cart_item WHERE cart_id = OLD.cart_id)
  WHERE id = OLD.cart_id;
END;
CREATE TRIGGER cart_touched AFTER UPDATE ON cart BEGIN UPDATE cart SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id; END;
-->
INSERT INTO cart (id) VALUES (1), (2)
INSERT INTO cart_item (cart_id, price, amount) VALUES (1, 1.5, 2), (1, 0.25, 4), (2, 3, 1)
DELETE FROM cart_item WHERE id = 1
INSERT INTO cart_item (cart_id, price, amount) VALUES (9, 1, 1)
DELETE FROM cart WHERE id = 1

--- rows are replaced on one key
CREATE TABLE sale (id INTEGER PRIMARY KEY, product TEXT, price REAL, at TEXT);
CREATE TABLE stat (product TEXT PRIMARY KEY, last REAL, first_at TEXT, n INTEGER NOT NULL DEFAULT 7, note TEXT DEFAULT 'none');
CREATE TRIGGER sale_counted AFTER INSERT ON sale BEGIN
  INSERT OR REPLACE INTO stat (product, last, first_at, n) VALUES (NEW.product, NEW.price,
    COALESCE((SELECT first_at FROM stat WHERE product = NEW.product), NEW.at),
    CASE WHEN NEW.price > 100 THEN NULL ELSE COALESCE((SELECT n FROM stat WHERE product = NEW.product), 0) + 1 END);
END;
-->
INSERT INTO sale (product, price, at) VALUES ('a', 1, 'x'), ('b', 2, 'y'), ('a', 3, 'z')
UPDATE stat SET note = 'kept?'
INSERT INTO sale (product, price, at) VALUES ('a', 4, 'w'), ('b', 200, 'v')

--- rows are replaced on any of several keys, with what hangs on them
CREATE TABLE purchase (id INTEGER PRIMARY KEY, person TEXT, brand TEXT);
CREATE TABLE preference (id INTEGER PRIMARY KEY, person TEXT, brand TEXT, slot INTEGER UNIQUE, n INTEGER DEFAULT 1, UNIQUE (person, brand));
CREATE TABLE remark (id INTEGER PRIMARY KEY, preference_id INTEGER REFERENCES preference(id) ON DELETE CASCADE);
CREATE TRIGGER bought AFTER INSERT ON purchase BEGIN
  REPLACE INTO preference (id, person, brand, slot, n)
  SELECT COALESCE((SELECT id FROM preference WHERE person = NEW.person AND brand = NEW.brand), NEW.id + 100),
    NEW.person, NEW.brand, NEW.id % 2, COALESCE((SELECT n FROM preference WHERE person = NEW.person AND brand = NEW.brand), 0) + 1;
END;
-->
INSERT INTO purchase (id, person, brand) VALUES (1, 'ann', 'x'), (2, 'bob', 'x')
INSERT INTO remark (preference_id) VALUES (101), (102)
INSERT INTO purchase (id, person, brand) VALUES (4, 'ann', 'x')

--- replacing fires the insert triggers of the other table
CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT);
CREATE TABLE latest (k TEXT PRIMARY KEY, t_id INTEGER);
CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER t_in AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO latest VALUES (NEW.k, NEW.id); END;
CREATE TRIGGER latest_in AFTER INSERT ON latest BEGIN INSERT INTO log (what) VALUES ('in ' || NEW.k || NEW.t_id); END;
CREATE TRIGGER latest_up AFTER UPDATE ON latest BEGIN INSERT INTO log (what) VALUES ('up'); END;
-->
INSERT INTO t (k) VALUES ('a'), ('b'), ('a')

--- OR IGNORE leaves out what keys and NOT NULL forbid
CREATE TABLE post (id INTEGER PRIMARY KEY, tag TEXT, other TEXT);
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, at TEXT DEFAULT 'now');
CREATE TABLE post_tag (post INTEGER, tag INTEGER, PRIMARY KEY (post, tag)) WITHOUT ROWID;
CREATE TRIGGER tagged AFTER INSERT ON post BEGIN
  INSERT OR IGNORE INTO tag (name) VALUES (NEW.tag), (NEW.other);
  INSERT OR IGNORE INTO post_tag SELECT NEW.id, tag.id FROM tag WHERE name = NEW.tag OR name = NEW.other ORDER BY name;
END;
-->
INSERT INTO post (tag, other) VALUES ('x', NULL)
INSERT INTO post (tag, other) VALUES (NULL, 'y')
INSERT INTO post (tag, other) VALUES ('x', 'y')

--- upserts, of one row and of several with the same key
CREATE TABLE hit (id INTEGER PRIMARY KEY, page TEXT, n INTEGER);
CREATE TABLE counter (page TEXT PRIMARY KEY, hits INTEGER DEFAULT 0, last INTEGER, at DATETIME);
CREATE TABLE word (w TEXT UNIQUE, n INTEGER);
CREATE TABLE split (w TEXT);
CREATE TRIGGER counted AFTER INSERT ON hit BEGIN
  INSERT INTO counter (page, hits, last) VALUES (NEW.page, NEW.n, NEW.id)
  ON CONFLICT (page) DO UPDATE SET hits = hits + excluded.hits, last = excluded.last, at = CURRENT_TIMESTAMP WHERE NEW.n > 0;
  INSERT INTO word (w, n) SELECT w, NEW.n FROM split WHERE true ON CONFLICT (w) DO UPDATE SET n = word.n + excluded.n;
  INSERT INTO word (w, n) VALUES (NEW.page, 1) ON CONFLICT DO NOTHING;
END;
-->
INSERT INTO split VALUES ('a'), ('b'), ('a')
INSERT INTO hit (page, n) VALUES ('a', 1), ('b', 2), ('a', 3), ('a', 0)

--- a view is written through its triggers
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, born DATE, active BOOLEAN);
CREATE TABLE address (person_id INTEGER, city TEXT);
CREATE VIEW resident (id, name, city, born) AS SELECT p.id, p.name, a.city, p.born FROM person p JOIN address a ON a.person_id = p.id;
CREATE TRIGGER resident_in INSTEAD OF INSERT ON resident BEGIN
  INSERT INTO person (id, name, born, active) VALUES (NEW.id, NEW.name, NEW.born, NEW.city IS NOT NULL);
  INSERT INTO address SELECT NEW.id, NEW.city WHERE NEW.city IS NOT NULL;
END;
CREATE TRIGGER resident_up INSTEAD OF UPDATE ON resident WHEN NEW.city IS NOT OLD.city BEGIN
  UPDATE address SET city = NEW.city WHERE person_id = OLD.id;
END;
CREATE TRIGGER resident_out INSTEAD OF DELETE ON resident BEGIN DELETE FROM address WHERE person_id = OLD.id; END;
-->
INSERT INTO resident VALUES (1, 'ann', 'Bonn', '2000-01-01'), (2, 'bob', NULL, NULL), (3, 'cid', 'Ulm', NULL)
UPDATE resident SET city = upper(city), name = 'nobody' WHERE id = 1
UPDATE resident SET name = 'nobody'
DELETE FROM resident WHERE city = 'Ulm'

--- children go before their parent, by hand, before or after it
CREATE TABLE parent (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 0);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent(id));
CREATE TABLE other (id INTEGER PRIMARY KEY);
CREATE TABLE toy (id INTEGER PRIMARY KEY, other_id INTEGER REFERENCES other(id));
CREATE TABLE made (id INTEGER PRIMARY KEY, other_id INTEGER REFERENCES other(id));
CREATE TRIGGER parent_gone AFTER DELETE ON parent BEGIN DELETE FROM child WHERE parent_id = OLD.id; END;
CREATE TRIGGER other_gone BEFORE DELETE ON other BEGIN UPDATE toy SET other_id = NULL WHERE other_id = OLD.id; END;
CREATE TRIGGER made_in AFTER INSERT ON made BEGIN INSERT OR IGNORE INTO other VALUES (NEW.other_id); END;
-->
INSERT INTO parent (id) VALUES (1), (2)
INSERT INTO child (parent_id) VALUES (1), (1), (2)
DELETE FROM parent WHERE id < 3
INSERT INTO other VALUES (1)
INSERT INTO toy (other_id) VALUES (1)
DELETE FROM other
INSERT INTO made (other_id) VALUES (5), (5)

--- children that a foreign key takes are gone when the trigger looks
CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent(id) ON DELETE CASCADE);
CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER Adieu AFTER DELETE ON parent BEGIN INSERT INTO log (what) SELECT count(*) || ' left' FROM child; END;
CREATE TRIGGER child_gone BEFORE DELETE ON child BEGIN INSERT INTO log (what) VALUES ('child ' || OLD.id); END;
-->
INSERT INTO parent VALUES (1), (2)
INSERT INTO child (parent_id) VALUES (1), (1), (2)
DELETE FROM parent WHERE id = 1

--- names that need quotes, and statements with comments
CREATE TABLE "order list" ("key" INTEGER PRIMARY KEY, "select" TEXT, [grün] TEXT);
CREATE TABLE "a""b" ("when" TEXT, "begin" INTEGER);
CREATE TRIGGER "it's a; trigger" AFTER INSERT ON "order list" /* WHEN never */ WHEN NEW."key" > 1 -- BEGIN
BEGIN
  -- a comment; with a semicolon
  INSERT INTO "a""b" VALUES ('$opskit$; END', NEW."key"), (NEW."select", length(NEW.[grün]));
  /* END; */
  UPDATE [order list] SET "grün" = CASE WHEN "select" = 'x' THEN 'y' ELSE "select" END WHERE "key" = NEW."KEY";
END;
-->
INSERT INTO "order list" ("select", "grün") VALUES ('a', 'b'), ('x', 'öö')

--- the tables of subqueries in FROM may use the row too
CREATE TABLE sale (id INTEGER PRIMARY KEY, shop INTEGER, amount INTEGER);
CREATE TABLE rate (shop INTEGER, percent INTEGER);
CREATE TABLE fee (sale INTEGER, amount REAL, high BOOLEAN);
CREATE TRIGGER fees AFTER INSERT ON sale BEGIN
  INSERT INTO fee SELECT NEW.id, q.p * NEW.amount / 100.0, q.p > 5 FROM (SELECT max(percent) AS p FROM rate WHERE shop = NEW.shop) AS q;
  INSERT INTO fee SELECT NEW.id, 1, 0 UNION ALL SELECT NEW.id, NULL, 1 WHERE NEW.amount > 5;
END;
-->
INSERT INTO rate VALUES (1, 5), (1, 7), (2, 3)
INSERT INTO sale (shop, amount) VALUES (1, 10), (2, 3), (3, 3)

--- only one address is the default
CREATE TABLE address (id INTEGER PRIMARY KEY, person INTEGER, is_default BOOLEAN DEFAULT FALSE);
CREATE TRIGGER one_default AFTER UPDATE OF is_default ON address WHEN NEW.is_default = 1 BEGIN
  UPDATE address SET is_default = 0 WHERE person = NEW.person AND id != NEW.id;
END;
CREATE TRIGGER one_default_in BEFORE INSERT ON address WHEN NEW.is_default BEGIN
  UPDATE address SET is_default = 0 WHERE person = NEW.person;
END;
-->
INSERT INTO address (person, is_default) VALUES (1, TRUE), (1, TRUE), (2, TRUE)
UPDATE address SET is_default = TRUE WHERE id = 1

--- a row that is merged into another is skipped, and the next one is looked at again
CREATE TABLE stock (k TEXT PRIMARY KEY, n INTEGER);
CREATE TRIGGER merged BEFORE INSERT ON stock WHEN EXISTS (SELECT 1 FROM stock WHERE k = NEW.k) BEGIN
  UPDATE stock SET n = n + NEW.n WHERE k = NEW.k;
  SELECT RAISE(IGNORE);
END;
-->
INSERT INTO stock VALUES ('a', 1), ('b', 2), ('a', 3), ('a', 4)
INSERT INTO stock VALUES ('b', 5)
