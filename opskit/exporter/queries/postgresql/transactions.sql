-- Cumulative statistics of this database: one row. The time of input and output is known only while it is tracked, and
-- checksum failures only of a cluster with checksums.
select
    sessions::float8 as sessions,
    xact_commit::float8 as committed,
    xact_rollback::float8 as rolled_back,
    blks_read::float8 as blocks_read,
    blks_hit::float8 as blocks_hit,
    case when current_setting('track_io_timing')::boolean then blk_read_time / 1000 end as block_read_seconds,
    case when current_setting('track_io_timing')::boolean then blk_write_time / 1000 end as block_write_seconds,
    deadlocks::float8 as deadlocks,
    conflicts::float8 as conflicts,
    checksum_failures::float8 as checksum_failures,
    temp_files::float8 as temp_files,
    temp_bytes::float8 as temp_bytes,
    extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_database
where datname = current_database()
