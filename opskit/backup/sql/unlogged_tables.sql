-- Tables whose rows are not in the log, and whether they can be read at all: not while a server recovers.
SELECT n.nspname::text, c.relname::text, NOT pg_catalog.pg_is_in_recovery()
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'u'
