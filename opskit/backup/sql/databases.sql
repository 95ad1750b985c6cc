-- Databases by name, with their comments.
SELECT datname::text, coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '')
FROM pg_catalog.pg_database
WHERE datname = any(%(names)s)
