-- The primary keys of a schema's tables, their columns in key order.
SELECT c.relname, array_agg(a.attname::text ORDER BY k.position)
FROM pg_catalog.pg_constraint p
JOIN pg_catalog.pg_class c ON c.oid = p.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY k (number, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
WHERE n.nspname = %(schema)s AND p.contype = 'p'
GROUP BY c.relname
