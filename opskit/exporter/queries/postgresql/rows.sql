-- Rows handled in this database since its statistics began, by operation.
select
    o.operation,
    o.handled::float8 as handled
from pg_stat_database d
cross join lateral (
    values ('returned', d.tup_returned), ('fetched', d.tup_fetched), ('inserted', d.tup_inserted),
           ('updated', d.tup_updated), ('deleted', d.tup_deleted)
) as o (operation, handled)
where d.datname = current_database()
