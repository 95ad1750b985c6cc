-- The oldest open transaction of other sessions, by what the session does now. The longest of none is 0.
select
    known.state,
    greatest(0, coalesce(max(extract(epoch from clock_timestamp() - a.xact_start)), 0))::float8 as transaction_seconds
from (values ('active'), ('idle_in_transaction')) as known (state)
left join pg_stat_activity a
    on a.datname = current_database()
    and a.backend_type = 'client backend'
    and a.application_name is distinct from 'opskit-exporter'
    and case when a.state like 'idle in transaction%' then 'idle_in_transaction' else a.state end = known.state
group by known.state
