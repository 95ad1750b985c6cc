-- Whether this server is a standby and how many follow it, and those furthest behind and slots that keep most, $1 each.
-- Replicas are told by the name they give; of several with one name it is the one furthest behind.
with position as materialized (
    select
        pg_is_in_recovery() as recovering,
        case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn
),
replica as materialized (
    select
        coalesce(nullif(r.application_name, ''), r.client_addr::text, 'local') as replica,
        pg_wal_lsn_diff(p.lsn, r.replay_lsn)::float8 as lag_bytes,
        extract(epoch from r.replay_lag)::float8 as lag_seconds
    from pg_stat_replication r
    cross join position p
    where r.state = 'streaming'
),
slot as materialized (
    select
        s.slot_name::text as slot,
        s.active,
        pg_wal_lsn_diff(p.lsn, s.restart_lsn)::float8 as retained_bytes,
        s.safe_wal_size::float8 as safe_bytes,
        s.wal_status = 'lost' as lost
    from pg_replication_slots s
    cross join position p
)
select
    recovering,
    (select count(*) from replica)::float8 as replicas,
    null as replica, null::float8 as lag_bytes, null::float8 as lag_seconds,
    null as slot, null::boolean as active, null::float8 as retained_bytes, null::float8 as safe_bytes,
    null::boolean as lost
from position
union all
(
    select null, null, replica, lag_bytes, lag_seconds, null, null, null, null, null
    from replica
    order by lag_bytes desc nulls last, replica
    limit $1::integer
)
union all
(
    select null, null, null, null, null, slot, active, retained_bytes, safe_bytes, lost
    from slot
    order by retained_bytes desc nulls first, slot
    limit $1::integer
)
