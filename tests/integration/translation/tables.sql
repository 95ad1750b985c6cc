-- Awkward values for every kind of column: the differential tests run over these on both engines.
CREATE TABLE item (
  id INTEGER PRIMARY KEY, i INTEGER, k INTEGER, r REAL, n DECIMAL(10,2), s TEXT, w TEXT, nc TEXT COLLATE NOCASE,
  b BOOLEAN, at DATETIME, "on" DATE, iso TEXT, j TEXT, x BLOB, mixed INTEGER);
CREATE TABLE part (item_id INTEGER, name TEXT, amount INTEGER, price DECIMAL(10,2), PRIMARY KEY (item_id, name));
CREATE TABLE empty (id INTEGER PRIMARY KEY, i INTEGER, r REAL);

INSERT INTO item VALUES
  (1, 7, 2, 1.5, 10, 'Ann', 'ann', 'Red', 1, '2024-02-29 23:59:59', '2024-02-29', '2024-02-29', '{"a": {"b": [5, "x"]}, "t": true}', x'00ff', 1),
  (2, -7, 2, -2.25, 9.99, 'Änne', 'ÄNNE', 'RED', 0, '2024-03-01 00:00:00', '2024-03-01', '2024-03-01T08:30:00Z', '{"a":"text","n":null}', x'', 2),
  (3, 0, 0, 0.0, 0, '', 'a_b%c', 'blue', 1, '1999-12-31 12:00:00', '1999-12-31', '1999-12-31 12:00:00.250', '[1, {"k": "v w"}]', NULL, 3),
  (4, NULL, 3, NULL, NULL, NULL, 'x', NULL, NULL, NULL, NULL, NULL, NULL, x'616263', NULL),
  (5, 5, NULL, 10000000000.0, 2.5, '12abc', ' 3.5e1x', 'Blue ', 0, '2024-03-31 01:02:03', '2024-03-31', 'not a date', '{"a":{"b":[]},"n":1.25}', NULL, 5),
  (6, 9007199254740993, -4, 100.0, -3.25, 'ann', 'Ann', 'green', 1, '2023-01-01 06:00:00', '2023-01-01', '2024-13-01', '{"a":"5"}', NULL, 6),
  (7, 5, 5, 2.5, 7, 'it''s \ "x"', '\d', 'GREEN', 1, '2024-02-29 00:00:00', '2024-12-31', '2024-05-05 10:00+02:00', '{}', NULL, 7);

INSERT INTO part VALUES
  (1, 'bolt', 10, 1),
  (1, 'nut', 20, 0.5),
  (2, 'bolt', 5, 1.25),
  (3, 'gear', NULL, 7),
  (3, 'nut', 1, NULL),
  (9, 'Bolt', 4, 2);
