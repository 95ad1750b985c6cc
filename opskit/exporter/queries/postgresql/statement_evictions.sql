-- How often the statement statistics had no room and dropped the least used entries, on the whole server.
select dealloc::float8 as evictions from pg_stat_statements_info
