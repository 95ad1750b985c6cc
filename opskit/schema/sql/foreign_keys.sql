-- The foreign keys of a schema's tables. One whose triggers are disabled is not enforced.
SELECT c.relname::text, k.conname::text,
       (SELECT array_agg(a.attname::text ORDER BY u.position)
        FROM unnest(k.conkey) WITH ORDINALITY u (number, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
       o.nspname::text, p.relname::text,
       (SELECT array_agg(a.attname::text ORDER BY u.position)
        FROM unnest(k.confkey) WITH ORDINALITY u (number, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number),
       actions.words[strpos('arcnd', k.confupdtype::text)],
       actions.words[strpos('arcnd', k.confdeltype::text)],
       k.confmatchtype = 'f', k.condeferrable, k.condeferred, k.convalidated,
       NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                   WHERE t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A'))
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
JOIN pg_catalog.pg_namespace o ON o.oid = p.relnamespace
CROSS JOIN (SELECT ARRAY['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'] AS words) actions
WHERE n.nspname = %(schema)s AND k.contype = 'f'
ORDER BY c.relname, k.conname
