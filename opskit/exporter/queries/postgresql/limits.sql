-- The server's settings that bound something: one row.
select
    current_setting('max_connections')::float8 as connections_limit,
    current_setting('superuser_reserved_connections')::float8 as connections_reserved,
    current_setting('autovacuum_freeze_max_age')::float8 as xid_freeze_limit,
    current_setting('autovacuum_max_workers')::float8 as autovacuum_workers_limit,
    (select count(*) from pg_settings where pending_restart)::float8 as pending_restart
