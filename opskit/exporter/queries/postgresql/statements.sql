-- What the statements of this database have cost so far, by id, the costliest first. Their texts stay where they
-- are: a file of the server that is read whole. Those that this role may not see have no id, and are one row.
select
    queryid::text as queryid,
    sum(calls)::float8 as calls,
    (sum(total_exec_time) / 1000)::float8 as seconds,
    sum(rows)::float8 as rows,
    sum(shared_blks_read)::float8 as blocks_read
from pg_stat_statements(showtext => false)
where dbid = (select oid from pg_database where datname = current_database())
  and toplevel
group by queryid
order by seconds desc, queryid
