-- The number of the application's tables: those in its schema ($1). A partitioned table counts once.
select count(*)::float8 as tables
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
  and not c.relispartition
  and c.relpersistence <> 't'
  and n.nspname = $1::text
