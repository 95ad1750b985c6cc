-- The enum types and domains that a schema's columns use, spelled as in the columns' types: the labels of an
-- enum, the type beneath a domain.
SELECT DISTINCT pg_catalog.format_type(t.oid, NULL), CASE t.typtype WHEN 'd' THEN
           pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE n.nspname = %(schema)s AND a.attnum > 0 AND NOT a.attisdropped AND t.typtype IN ('d', 'e')
ORDER BY 1
