-- The texts of some statements of this database.
select
    queryid::text as queryid,
    min(query) as text
from pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database())
  and toplevel
  and queryid = any(%(queryids)s::bigint[])
group by queryid
