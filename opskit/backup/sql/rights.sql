-- Who may do what with a database: role (empty for everybody), privilege, may it be passed on; no row: the default.
SELECT coalesce(r.rolname, '')::text, a.privilege_type, a.is_grantable
FROM pg_catalog.pg_database d
CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE d.datname = pg_catalog.current_database()
ORDER BY 1, 2
