-- What the tables of a schema are like, in one word: it changes with every table, column, key and sequence.
SELECT md5(coalesce(string_agg(concat_ws(' ', c.oid, c.relname, c.relkind, c.relreplident, a.attnum, a.attname,
           a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated, a.atthasdef, i.keys), ';'
           ORDER BY c.oid, a.attnum), ''))
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (SELECT string_agg(concat_ws(' ', indexrelid, indkey, indisunique), ',' ORDER BY indexrelid)
                   AS keys
                   FROM pg_index WHERE indrelid = c.oid) i ON true
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind IN ('r', 'p', 'S')
