-- The statements of this database that took most time, the costliest first.
with top as materialized (
    select
        queryid,
        sum(calls)::float8 as calls,
        (sum(total_exec_time) / 1000)::float8 as seconds,
        sum(rows)::float8 as rows,
        sum(shared_blks_read)::float8 as blocks_read,
        min(left(query, 200)) as query
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
      and toplevel
      and queryid is not null
    group by queryid
    order by sum(total_exec_time) desc, queryid
    limit %(limit)s
)
select
    t.queryid::text as queryid,
    1 as info,
    t.calls,
    t.seconds,
    t.rows,
    t.blocks_read,
    case
        when w.word in ('select', 'insert', 'update', 'delete', 'merge', 'with', 'copy') then w.word
        when w.word in ('begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release')
            then 'transaction'
        else 'other'
    end as kind
from top t
cross join lateral (
    select lower(substring(
        t.query from '^(?:\s|\(|/\*(?:[^*]|\*(?!/))*\*/|--[^\n]*\n)*([a-zA-Z]+)'
    )) as word
) as w
order by t.seconds desc, t.queryid
