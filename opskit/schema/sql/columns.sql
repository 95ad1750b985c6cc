-- The columns of a schema's tables and views, in order. A column's sequence is the one its default uses,
-- else the one it owns.
WITH generators AS (
    SELECT d.refobjid AS relation, d.refobjsubid::int2 AS number, d.objid AS sequence
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
      AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
), used AS (
    SELECT DISTINCT ON (e.adrelid, e.adnum) e.adrelid AS relation, e.adnum AS number, s.oid AS sequence
    FROM pg_catalog.pg_attrdef e
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = e.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
    ORDER BY e.adrelid, e.adnum, s.oid
)
SELECT c.relname::text,
       coalesce(used.sequence, generators.sequence),
       a.attname::text,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       l.collname::text,
       a.attnotnull,
       CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(e.adbin, e.adrelid) END,
       CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(e.adbin, e.adrelid) END,
       CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = c.oid AND e.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN generators ON generators.relation = c.oid AND generators.number = a.attnum
LEFT JOIN used ON used.relation = c.oid AND used.number = a.attnum
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY c.oid, a.attnum
