-- Roles by name: attributes as ALTER ROLE spells them, the roles they are members of, their limits.
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
    ) as member_of,
    r.rolconnlimit,
    coalesce(r.rolvaliduntil::text, '')
from pg_roles r
where r.rolname = any(%(roles)s)
