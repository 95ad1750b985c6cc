-- The sequences of a schema, and those elsewhere that its columns use; whether this role may read them.
SELECT c.oid, n.nspname::text, c.relname::text, s.seqtypid::regtype::text,
       s.seqincrement, s.seqmin, s.seqmax, s.seqcycle,
       pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s
   OR EXISTS (SELECT FROM pg_catalog.pg_depend d
              JOIN pg_catalog.pg_attrdef e ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = e.oid
              JOIN pg_catalog.pg_class t ON t.oid = e.adrelid
              JOIN pg_catalog.pg_namespace o ON o.oid = t.relnamespace
              WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
                AND o.nspname = %(schema)s)
ORDER BY n.nspname, c.relname
