-- What ALTER … OWNER can be said of in schemas: not what follows its table, nor what an extension made.
with owned as (
    select
        'TABLE' as what,
        n.nspname,
        format('%%I.%%I', n.nspname, c.relname) as identity,
        c.relowner as owner,
        'pg_class'::regclass as class,
        c.oid
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
       or c.relkind = 'S' and not exists (
           select from pg_depend d
           where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
             and d.refclassid = 'pg_class'::regclass
       )
    union all
    select
        'ROUTINE',
        n.nspname,
        format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
        p.proowner,
        'pg_proc'::regclass,
        p.oid
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    union all
    select
        'TYPE',
        n.nspname,
        format('%%I.%%I', n.nspname, t.typname),
        t.typowner,
        'pg_type'::regclass,
        t.oid
    from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
    where t.typtype in ('d', 'e', 'r') or t.typtype = 'c' and c.relkind = 'c'
)
select o.what, o.nspname::text, o.identity, r.rolname::text, r.rolname = any(%(roles)s) or (r.rolsuper and pg_has_role(r.oid, 'MEMBER')) or r.rolname = current_user
from owned o
join pg_roles r on r.oid = o.owner
where o.nspname = any(%(schemas)s)
  and not exists (
      select from pg_depend d where d.classid = o.class and d.objid = o.oid and d.deptype = 'e'
  )
order by o.what, o.identity
