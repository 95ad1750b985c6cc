-- How archiving the write-ahead log goes: one row, none where it is off.
select
    archived_count::float8 as archived,
    failed_count::float8 as failures,
    extract(epoch from last_archived_time)::float8 as last_success,
    extract(epoch from last_failed_time)::float8 as last_failure
from pg_stat_archiver
where current_setting('archive_mode') <> 'off'
