-- Cumulative statistics of this database: one row.
select
    xact_commit::float8 as committed,
    xact_rollback::float8 as rolled_back,
    blks_read::float8 as blocks_read,
    blks_hit::float8 as blocks_hit,
    deadlocks::float8 as deadlocks,
    temp_files::float8 as temp_files,
    temp_bytes::float8 as temp_bytes,
    extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_database
where datname = current_database()
