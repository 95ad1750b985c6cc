-- The statements that take from a staging schema (%(staging)s) everything but whole tables (%(kept)s) with
-- their indexes and keys: views and functions first, then other tables, then rules that are soon made again.
WITH remains (rank, statement) AS (
  SELECT 1, format('DROP VIEW IF EXISTS %%I.%%I CASCADE', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = %(staging)s AND c.relkind = 'v'
  UNION ALL
  SELECT 2, format('DROP FUNCTION IF EXISTS %%I.%%I(%%s) CASCADE', n.nspname, p.proname,
                   pg_get_function_identity_arguments(p.oid))
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = %(staging)s
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  UNION ALL
  SELECT 3, format('DROP TABLE IF EXISTS %%I.%%I CASCADE', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = %(staging)s AND c.relkind = 'r' AND c.relname <> ALL (%(kept)s)
  UNION ALL
  SELECT 4, format('ALTER TABLE %%I.%%I DROP CONSTRAINT IF EXISTS %%I', n.nspname, c.relname, k.conname)
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = %(staging)s AND c.relname = ANY (%(kept)s) AND k.contype IN ('f', 'c')
)
SELECT statement FROM remains ORDER BY rank
