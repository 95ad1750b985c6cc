-- When the server last read its files, in seconds since 1970.
select extract(epoch from pg_conf_load_time())::float8
