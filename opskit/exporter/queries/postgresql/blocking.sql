-- Who waits for whom in this database: one row. The longest of none is 0 seconds.
with blocked as materialized (
    select
        l.pid,
        pg_blocking_pids(l.pid) as blockers,
        extract(epoch from clock_timestamp() - min(l.waitstart))::float8 as seconds
    from pg_locks l
    join pg_stat_activity a on a.pid = l.pid
    where not l.granted
      and a.datname = current_database()
    group by l.pid
)
select
    (select count(*) from blocked)::float8 as blocked,
    (select count(distinct b.pid) from blocked cross join unnest(blockers) as b (pid))::float8 as blocking,
    greatest(0, coalesce((select max(seconds) from blocked), 0))::float8 as longest_block
