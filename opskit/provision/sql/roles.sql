-- Roles by name, with their attributes as ALTER ROLE spells them, and the roles they are members of.
select
    r.rolname::text,
    array(
        select a.name
        from (values
            ('LOGIN', r.rolcanlogin), ('INHERIT', r.rolinherit), ('SUPERUSER', r.rolsuper),
            ('CREATEDB', r.rolcreatedb), ('CREATEROLE', r.rolcreaterole),
            ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls)
        ) as a (name, has)
        where a.has
    ) as attributes,
    array(
        select g.rolname::text
        from pg_auth_members m
        join pg_roles g on g.oid = m.roleid
        where m.member = r.oid
    ) as member_of
from pg_roles r
where r.rolname = any(%(roles)s)
