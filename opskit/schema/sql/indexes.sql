-- The indexes of a schema's tables, those behind keys included. The body is the definition from USING on; only
-- the "pretty" definition leaves out the schema, so that the text before it can be counted.
SELECT t.relname::text, c.relname::text, d.definition,
       substr(d.definition, length(concat('CREATE ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, 'INDEX ',
           quote_ident(c.relname), ' ON ', CASE WHEN c.relkind = 'I' THEN 'ONLY ' END,
           i.indrelid::regclass::text)) + 2),
       ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, position, true)
             FROM generate_series(1, i.indnkeyatts) position ORDER BY position),
       i.indisunique, pg_catalog.pg_get_expr(i.indpred, i.indrelid), i.indisvalid AND i.indisready,
       k.conname::text
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN LATERAL pg_catalog.pg_get_indexdef(i.indexrelid, 0, true) d (definition)
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE n.nspname = %(schema)s AND t.relkind IN ('r', 'p', 'm')
ORDER BY t.relname, c.relname
