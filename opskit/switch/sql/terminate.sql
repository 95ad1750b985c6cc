-- Ends a role's sessions in this database.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity a
WHERE a.usename = %(role)s AND a.datname = current_database() AND a.pid <> pg_backend_pid()
