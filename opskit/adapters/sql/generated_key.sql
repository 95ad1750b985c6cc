-- PostgreSQL: the quoted name of the single-column integer key that the server itself gives values to,
-- when a plain INSERT into the table may return it; no row otherwise.
SELECT pg_catalog.quote_ident(a.attname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.oid = pg_catalog.to_regclass($1)
  AND c.relkind = 'r'            -- xmax tells an insert from an upsert; partitioned tables do not show it
  AND NOT c.relhasrules          -- a rule may forbid RETURNING
  AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  AND (a.attidentity <> '' OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')  -- RETURNING reads
