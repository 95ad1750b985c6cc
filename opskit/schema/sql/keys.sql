-- The primary keys and unique constraints of a schema's tables, their columns in key order.
SELECT c.relname::text, k.conname::text,
       (SELECT array_agg(a.attname::text ORDER BY u.position)
        FROM unnest(k.conkey) WITH ORDINALITY u (number, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number),
       k.contype = 'p', k.condeferrable, i.indnullsnotdistinct
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid
WHERE n.nspname = %(schema)s AND k.contype IN ('p', 'u')
ORDER BY c.relname, k.conname
