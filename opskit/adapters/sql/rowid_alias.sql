-- SQLite: one row when the table's rowid is its INTEGER PRIMARY KEY column, so that the engine gives keys.
-- A key that has an index of its own is no alias (WITHOUT ROWID, and INTEGER PRIMARY KEY DESC).
SELECT 1
FROM pragma_table_info(?1, ?2) AS key
WHERE key.pk = 1
  AND upper(key.type) = 'INTEGER'
  AND NOT EXISTS (SELECT 1 FROM pragma_table_info(?1, ?2) AS other WHERE other.pk > 1)
  AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1, ?2) AS own WHERE own.origin = 'pk')
