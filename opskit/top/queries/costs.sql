-- What each statement of this database has cost so far. Those that this role may not see have no id.
select
    queryid::text as queryid,
    sum(calls)::float8 as calls,
    (sum(total_exec_time) / 1000)::float8 as seconds,
    sum(rows)::float8 as rows
from pg_stat_statements(showtext => false)
where dbid = (select oid from pg_database where datname = current_database())
  and toplevel
  and queryid is not null
group by queryid
