-- The server's write-ahead log since its statistics began: one row. Can its files be listed?
select
    wal_bytes::float8 as bytes,
    wal_records::float8 as records,
    wal_buffers_full::float8 as buffers_full,
    has_function_privilege('pg_ls_waldir()', 'execute')
    and has_function_privilege('pg_ls_archive_statusdir()', 'execute') as available
from pg_stat_wal
