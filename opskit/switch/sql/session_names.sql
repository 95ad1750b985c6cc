-- Under which names a role's sessions in this database are known.
SELECT DISTINCT a.application_name
FROM pg_stat_activity a
WHERE a.usename = %(role)s AND a.datname = current_database()
