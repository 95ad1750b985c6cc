-- Tables, views and sequences that rights are given on, with their owners; what an extension made is its own.
select
    case c.relkind when 'S' then 'SEQUENCE' else 'TABLE' end,
    n.nspname::text,
    c.relname::text,
    r.rolname::text,
    r.rolname = any(%(roles)s) or (r.rolsuper and pg_has_role(r.oid, 'MEMBER')) or r.rolname = current_user
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_roles r on r.oid = c.relowner
where n.nspname = any(%(schemas)s)
  and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  and not exists (
      select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
  )
order by 2, 3
