-- How far this database is from having to be vacuumed, and what keeps vacuum from its work: one row. What only a role
-- with pg_read_all_stats may see is unknown to others.
select
    age(d.datfrozenxid)::float8 as xid_age,
    mxid_age(d.datminmxid)::float8 as multixact_age,
    (select count(*) from pg_prepared_xacts p where p.database = d.datname)::float8 as prepared_transactions,
    (select count(*) from pg_index where not indisvalid)::float8 as invalid_indexes,
    case when pg_has_role('pg_read_all_stats', 'usage') then (
        select count(*) from pg_stat_activity where backend_type = 'autovacuum worker'
    )::float8 end as workers,
    case when pg_has_role('pg_read_all_stats', 'usage') then (
        select coalesce(max(age(held.xid)), 0)
        from (
            select unnest(array[backend_xmin, backend_xid])
            from pg_stat_activity
            where datname = d.datname
              and pid <> pg_backend_pid()
            union all
            select transaction from pg_prepared_xacts where database = d.datname
            union all
            select xmin from pg_replication_slots
        ) as held (xid)
    )::float8 end as oldest_xmin_age
from pg_database d
where d.datname = current_database()
