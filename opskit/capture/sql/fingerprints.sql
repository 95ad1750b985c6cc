-- What each table of a schema is like, in one word: it changes with its columns, keys and indexes, and when all
-- of it was written anew, which the log does not tell row by row. Empty for one that this role may not read.
SELECT c.relname::text,
       CASE WHEN has_table_privilege(c.oid, 'SELECT')
            THEN md5(concat_ws(' ', c.oid, c.relfilenode, c.relkind, c.relreplident, a.columns, i.indexes))
            ELSE '' END
FROM pg_class c
CROSS JOIN LATERAL (
    SELECT string_agg(concat_ws(' ', attnum, attname, atttypid, atttypmod, attnotnull, attgenerated, atthasdef),
                      ',' ORDER BY attnum) AS columns
    FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a
CROSS JOIN LATERAL (
    SELECT string_agg(concat_ws(' ', indexrelid, indkey, indisunique, indisprimary),
                      ',' ORDER BY indexrelid) AS indexes
    FROM pg_index WHERE indrelid = c.oid) i
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind IN ('r', 'p')
