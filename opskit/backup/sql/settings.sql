-- The settings of a database, for a role or (empty) for all.
SELECT coalesce(r.rolname, '')::text, setting
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL unnest(s.setconfig) setting
WHERE d.datname = pg_catalog.current_database()
ORDER BY 1, 2
