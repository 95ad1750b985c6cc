-- What this database is: one row.
select
    1 as info,
    current_setting('server_version') as server_version,
    '' as schema_version,
    extract(epoch from pg_postmaster_start_time())::float8 as start_time,
    not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as writable
