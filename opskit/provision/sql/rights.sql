-- The rights of some roles and of everybody, on this database and in some of its schemas.
with acls as (
    select 'DATABASE' as kind, d.datname as name, null::name as schema, coalesce(d.datacl, acldefault('d', d.datdba)) as acl
    from pg_database d
    where d.datname = current_database()
    union all
    select 'SCHEMA', n.nspname, null, coalesce(n.nspacl, acldefault('n', n.nspowner))
    from pg_namespace n
    where n.nspname = any(%(schemas)s)
    union all
    select
        case c.relkind when 'S' then 'SEQUENCE' else 'TABLE' end,
        c.relname,
        n.nspname,
        coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%(schemas)s)
      and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and not exists (
          select from pg_depend d
          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    union all
    select
        case a.defaclobjtype when 'S' then 'SEQUENCES' else 'TABLES' end,
        m.rolname,
        n.nspname,
        a.defaclacl
    from pg_default_acl a
    join pg_roles m on m.oid = a.defaclrole
    left join pg_namespace n on n.oid = a.defaclnamespace
    where (a.defaclnamespace = 0 or n.nspname = any(%(schemas)s)) and a.defaclobjtype in ('r', 'S')
)
select distinct
    acls.kind,
    coalesce(r.rolname::text, 'PUBLIC'),
    given.privilege_type,
    acls.name::text,
    coalesce(acls.schema::text, '')
from acls
cross join lateral aclexplode(acls.acl) as given
left join pg_roles r on r.oid = given.grantee
where given.grantee = 0 or r.rolname = any(%(roles)s)
