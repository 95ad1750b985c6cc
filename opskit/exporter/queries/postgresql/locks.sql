-- Locks in this database, held and awaited, by mode.
select
    mode,
    granted::text as granted,
    count(*)::float8 as locks
from pg_locks
where database = (select oid from pg_database where datname = current_database())
  and pid is distinct from pg_backend_pid()
group by mode, granted
