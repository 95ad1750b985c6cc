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
),
worded as materialized (
    select
        *,
        lower(substring(query from '^(?:\s|\(|/\*(?:[^*]|\*(?!/))*\*/|--[^\n]*\n)*([a-zA-Z]+)')) as word
    from top
)
select
    queryid::text as queryid,
    1 as info,
    calls,
    seconds,
    rows,
    blocks_read,
    case
        when word in ('select', 'insert', 'update', 'delete', 'merge', 'with', 'copy') then word
        when word in ('begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release')
            then 'transaction'
        else 'other'
    end as kind
from worded
order by seconds desc, queryid
