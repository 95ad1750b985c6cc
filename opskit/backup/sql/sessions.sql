-- Who is connected to a database, but for its own helpers: process, role, program.
SELECT pid, usename::text, application_name
FROM pg_catalog.pg_stat_activity
WHERE datname = %(name)s AND backend_type IN ('client backend', 'walsender')
ORDER BY pid
