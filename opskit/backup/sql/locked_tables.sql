-- Tables that recovery locks for a transaction that had not ended: nobody can read them until it is over.
SELECT DISTINCT n.nspname::text, c.relname::text
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
JOIN pg_catalog.pg_class c ON c.oid = coalesce(i.indrelid, l.relation)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE pg_catalog.pg_is_in_recovery()
  AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted AND c.relkind = 'r'
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
ORDER BY 1, 2
