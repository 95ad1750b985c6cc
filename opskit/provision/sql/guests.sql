-- Roles of others that own something in this database, or have been given rights in it.
select distinct r.rolname::text
from pg_shdepend s
join pg_roles r on s.refclassid = 'pg_authid'::regclass and r.oid = s.refobjid
where s.dbid = (select oid from pg_database where datname = current_database())
  and s.deptype in ('o', 'a')
  and not r.rolsuper
  and r.rolname !~ '^pg_'
  and r.rolname <> all(%(roles)s)
order by 1
