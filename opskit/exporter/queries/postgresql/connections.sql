-- Sessions of this database by state, the exporter's own left out; `hidden` are those whose state this role may not see.
select
    known.state,
    count(a.pid)::float8 as connections
from (
    values ('active'), ('idle'), ('idle_in_transaction'), ('idle_in_transaction_aborted'),
           ('fastpath_function_call'), ('disabled'), ('hidden')
) as known (state)
left join pg_stat_activity a
    on a.datname = current_database()
    and coalesce(a.backend_type, 'client backend') = 'client backend'
    and a.application_name is distinct from 'opskit-exporter'
    and coalesce(replace(replace(replace(a.state, ' ', '_'), '(', ''), ')', ''), 'hidden') = known.state
group by known.state
