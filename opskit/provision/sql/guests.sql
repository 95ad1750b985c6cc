-- Roles of others that own this database or something in it, or have been given rights in it.
with guests as (
    select s.refobjid as role
    from pg_shdepend s
    where s.dbid = (select oid from pg_database where datname = current_database())
      and s.refclassid = 'pg_authid'::regclass
      and s.deptype in ('o', 'a')
    union
    select datdba from pg_database where datname = current_database()
)
select r.rolname::text
from guests g
join pg_roles r on r.oid = g.role
where not r.rolsuper
  and r.rolname !~ '^pg_'
  and r.rolname <> all(%(roles)s)
