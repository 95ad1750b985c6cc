PRAGMA journal_mode = WAL;
CREATE TABLE writers (writer TEXT PRIMARY KEY NOT NULL, last INTEGER NOT NULL);
CREATE TABLE tokens (writer TEXT, number INTEGER);
CREATE TABLE notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    body TEXT,
    at TIMESTAMP,
    done BOOLEAN
);
CREATE VIRTUAL TABLE found USING fts5(body, content='notes', content_rowid='id');
CREATE TRIGGER found_insert AFTER INSERT ON notes BEGIN
    INSERT INTO found (rowid, body) VALUES (NEW.id, NEW.body);
END;
CREATE TRIGGER found_delete AFTER DELETE ON notes BEGIN
    INSERT INTO found (found, rowid, body) VALUES ('delete', OLD.id, OLD.body);
END;
CREATE TRIGGER found_update AFTER UPDATE ON notes BEGIN
    INSERT INTO found (found, rowid, body) VALUES ('delete', OLD.id, OLD.body);
    INSERT INTO found (rowid, body) VALUES (NEW.id, NEW.body);
END;
CREATE TABLE orders (number TEXT PRIMARY KEY NOT NULL, total INTEGER NOT NULL);
CREATE TABLE lines (
    "order" TEXT NOT NULL REFERENCES orders (number),
    line INTEGER NOT NULL,
    sku TEXT,
    PRIMARY KEY ("order", line)
);
