-- The application's ($1: its schema) largest tables, $2 of them. Sizes are those of the last vacuum or analyze, TOAST and
-- indexes included: to look now would wait for whoever locks a table.
with table_pages as materialized (
    select
        c.oid,
        c.relname,
        greatest(c.relpages, 0) + coalesce(greatest(t.relpages, 0), 0) + coalesce((
            select sum(greatest(x.relpages, 0))
            from pg_index i
            join pg_class x on x.oid = i.indexrelid
            where i.indrelid in (c.oid, t.oid)
        ), 0) as pages
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_class t on t.oid = c.reltoastrelid
    where c.relkind = 'r'
      and c.relpersistence <> 't'
      and n.nspname = $1::text
    order by pages desc, c.relname
    limit $2::integer
)
select
    relname as "table",
    (pages * current_setting('block_size')::bigint)::float8 as size_bytes,
    pg_stat_get_live_tuples(oid)::float8 as live_rows,
    pg_stat_get_dead_tuples(oid)::float8 as dead_rows,
    extract(
        epoch from greatest(pg_stat_get_last_vacuum_time(oid), pg_stat_get_last_autovacuum_time(oid))
    )::float8 as last_vacuum,
    extract(
        epoch from greatest(pg_stat_get_last_analyze_time(oid), pg_stat_get_last_autoanalyze_time(oid))
    )::float8 as last_analyze,
    pg_stat_get_numscans(oid)::float8 as seq_scans,
    coalesce((
        select sum(pg_stat_get_numscans(i.indexrelid)) from pg_index i where i.indrelid = table_pages.oid
    ), 0)::float8 as index_scans
from table_pages
