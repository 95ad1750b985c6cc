-- Sessions of this database that do something or have a transaction open, and whoever blocks one of them.
with waiting as materialized (
    select
        a.pid,
        pg_blocking_pids(a.pid) as blockers
    from pg_stat_activity a
    where a.datname = current_database()
      and a.wait_event_type = 'Lock'
)
select
    a.pid,
    coalesce(a.usename, a.backend_type, '') as user,
    coalesce(a.application_name, '') as application,
    coalesce(host(a.client_addr), '') as client,
    coalesce(a.state, a.backend_type, '') as state,
    greatest(
        0,
        extract(
            epoch from clock_timestamp()
            - case when a.state = 'active' then a.query_start else coalesce(a.state_change, a.backend_start) end
        )
    )::float8 as seconds,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 as transaction,
    case when a.state = 'active' then coalesce(a.wait_event_type || ' ' || a.wait_event, '') else '' end as waits,
    coalesce(w.blockers, '{}') as blocked_by,
    coalesce(a.query, '') as text
from pg_stat_activity a
left join waiting w on w.pid = a.pid
where a.pid <> pg_backend_pid()
  and (
      (
          a.datname = current_database()
          and a.backend_type = 'client backend'
          and a.state <> 'idle'
      )
      or a.pid = any(select unnest(blockers) from waiting)
  )
