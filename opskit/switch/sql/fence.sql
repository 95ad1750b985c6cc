-- What a role may do in a schema of this database, and who is still at it.
SELECT has_database_privilege(r.oid, current_database(), 'CONNECT') AS may_connect,
       has_schema_privilege(r.oid, n.oid, 'USAGE') AS may_use,
       has_schema_privilege(r.oid, n.oid, 'CREATE') AS may_create,
       r.rolsuper AS is_superuser,
       pg_has_role(r.oid, n.nspowner, 'MEMBER') AS owns_schema,
       coalesce(obj_description(n.oid, 'pg_namespace'), '') AS comment,
       (SELECT count(*) FROM pg_stat_activity a
        WHERE a.usesysid = r.oid AND a.datname = current_database())::int AS sessions,
       (SELECT count(*) FROM pg_prepared_xacts p
        WHERE p.owner = r.rolname AND p.database = current_database())::int AS prepared
FROM pg_roles r, pg_namespace n
WHERE r.rolname = %(role)s AND n.nspname = %(schema)s
