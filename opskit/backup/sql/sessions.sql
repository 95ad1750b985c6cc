-- Who is connected to a database, but for its own helpers: process, role, program.
-- Who may not see others' kind sees none.
SELECT pid, coalesce(usename, '')::text, coalesce(application_name, '')
FROM pg_catalog.pg_stat_activity
WHERE datname = %(name)s AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')
ORDER BY pid
