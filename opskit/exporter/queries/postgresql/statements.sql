-- What the statements of this database have cost so far: summed by kind, and the $3 costliest singly. Which kinds
-- they are of is passed in ($1 ids, $2 their kinds), for their texts stand in a file of the server that is read whole;
-- a row without a kind is the sum of those not passed in. Those that this role may not see have no id. (Sums of whole
-- numbers would be numeric, which takes longer than all the rest of the grouping.)
with cost as materialized (
    select
        queryid,
        sum(calls::float8) as calls,
        sum(total_exec_time) / 1000 as seconds,
        sum(rows::float8) as rows,
        sum(shared_blks_read::float8) as blocks_read
    from pg_stat_statements(showtext => false)
    where dbid = (select oid from pg_database where datname = current_database())
      and toplevel
    group by queryid
),
statement as materialized (
    select
        cost.*,
        case when cost.queryid is null then 'hidden' else known.kind end as kind
    from cost
    left join unnest($1::bigint[], $2::text[]) as known (queryid, kind) on known.queryid = cost.queryid
)
select
    null as queryid,
    kind,
    sum(calls) as calls,
    sum(seconds) as seconds,
    sum(rows) as rows,
    null::float8 as blocks_read
from statement
group by kind
union all
(
    select
        queryid::text,
        kind,
        calls,
        seconds,
        rows,
        blocks_read
    from statement
    where queryid is not null
    order by seconds desc, queryid
    limit $3::integer
)
