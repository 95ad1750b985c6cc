-- The query that other sessions of this database run for longest. The longest of none is 0.
select greatest(0, coalesce(max(extract(epoch from clock_timestamp() - query_start)), 0))::float8 as query_seconds
from pg_stat_activity
where datname = current_database()
  and backend_type = 'client backend'
  and state = 'active'
  and application_name is distinct from 'opskit-exporter'
