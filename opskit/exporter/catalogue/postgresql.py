"""What PostgreSQL says of a database and of its server."""

from opskit.exporter.metric import DATABASE, counter, gauge

TABLE = (*DATABASE, "table")

POSTGRESQL = (
    gauge(
        "opskit_postgres_connections",
        "Sessions of clients by state, without the exporter's own.",
        "connections.connections",
        (*DATABASE, "state"),
    ),
    counter(
        "opskit_postgres_transactions_committed_total", "Transactions committed.", "transactions.committed"
    ),
    counter(
        "opskit_postgres_transactions_rolled_back_total",
        "Transactions rolled back.",
        "transactions.rolled_back",
    ),
    counter("opskit_postgres_rows_total", "Rows by operation.", "rows.handled", (*DATABASE, "operation")),
    counter(
        "opskit_postgres_blocks_read_total",
        "Blocks that were not in PostgreSQL's cache.",
        "transactions.blocks_read",
    ),
    counter(
        "opskit_postgres_blocks_hit_total", "Blocks found in PostgreSQL's cache.", "transactions.blocks_hit"
    ),
    counter(
        "opskit_postgres_temp_files_total", "Temporary files written by queries.", "transactions.temp_files"
    ),
    counter(
        "opskit_postgres_temp_bytes_total", "Bytes written to temporary files.", "transactions.temp_bytes"
    ),
    counter("opskit_postgres_deadlocks_total", "Deadlocks detected.", "transactions.deadlocks"),
    gauge(
        "opskit_postgres_stats_reset_timestamp_seconds",
        "When the statistics were last reset, as Unix time.",
        "transactions.stats_reset",
    ),
    gauge(
        "opskit_postgres_locks",
        "Locks by mode; granted=false are awaited.",
        "locks.locks",
        (*DATABASE, "mode", "granted"),
    ),
    gauge("opskit_postgres_blocked_sessions", "Sessions that wait for a lock.", "blocking.blocked"),
    gauge(
        "opskit_postgres_blocking_sessions", "Sessions that others wait for directly.", "blocking.blocking"
    ),
    gauge(
        "opskit_postgres_longest_block_seconds",
        "How long the longest waiting session has waited for a lock.",
        "blocking.longest_block",
    ),
    gauge(
        "opskit_postgres_longest_transaction_seconds",
        "Age of the oldest open transaction, by what its session does.",
        "longest.transaction_seconds",
        (*DATABASE, "state"),
    ),
    gauge(
        "opskit_postgres_longest_query_seconds",
        "How long the longest running query has run.",
        "running.query_seconds",
    ),
    counter("opskit_postgres_sessions_total", "Sessions begun.", "transactions.sessions"),
    counter(
        "opskit_postgres_sessions_ended_total",
        "Sessions that did not end by their client's wish, by reason.",
        "sessions.ended",
        (*DATABASE, "reason"),
    ),
    counter(
        "opskit_postgres_block_read_seconds_total",
        "Time spent reading blocks; none unless track_io_timing is on.",
        "transactions.block_read_seconds",
    ),
    counter(
        "opskit_postgres_block_write_seconds_total",
        "Time sessions spent writing blocks; none unless track_io_timing is on.",
        "transactions.block_write_seconds",
    ),
    counter(
        "opskit_postgres_conflicts_total", "Queries cancelled for recovery's sake.", "transactions.conflicts"
    ),
    counter(
        "opskit_postgres_checksum_failures_total",
        "Damaged blocks found; none unless the cluster has checksums.",
        "transactions.checksum_failures",
    ),
    gauge(
        "opskit_postgres_xid_age",
        "Transactions since the oldest that is not yet frozen; writes stop at 2 billion.",
        "vacuum.xid_age",
    ),
    gauge(
        "opskit_postgres_multixact_age",
        "Multixacts since the oldest that is not yet frozen; writes stop at 2 billion.",
        "vacuum.multixact_age",
    ),
    gauge(
        "opskit_postgres_oldest_xmin_age",
        "Transactions since the oldest one for whose sake vacuum must leave dead rows.",
        "vacuum.oldest_xmin_age",
    ),
    gauge(
        "opskit_postgres_prepared_transactions",
        "Prepared transactions that nobody has ended yet.",
        "vacuum.prepared_transactions",
    ),
    gauge(
        "opskit_postgres_invalid_indexes",
        "Indexes that queries do not use, left by a failed or made by a running CREATE INDEX CONCURRENTLY.",
        "vacuum.invalid_indexes",
    ),
    gauge(
        "opskit_postgres_sequence_used_ratio",
        "How much of a sequence is used, of what its column can hold; those nearest to their end.",
        "sequences.used_ratio",
        (*DATABASE, "sequence"),
    ),
)

TABLES = (
    gauge(
        "opskit_postgres_table_size_bytes",
        "Size of one of the largest tables with its indexes, as of its last vacuum or analyze.",
        "largest_tables.size_bytes",
        TABLE,
    ),
    gauge("opskit_postgres_table_live_rows", "Estimated live rows.", "largest_tables.live_rows", TABLE),
    gauge(
        "opskit_postgres_table_dead_rows",
        "Estimated dead rows, which vacuum will remove.",
        "largest_tables.dead_rows",
        TABLE,
    ),
    gauge(
        "opskit_postgres_table_last_vacuum_timestamp_seconds",
        "When the table was last vacuumed, as Unix time.",
        "largest_tables.last_vacuum",
        TABLE,
    ),
    gauge(
        "opskit_postgres_table_last_analyze_timestamp_seconds",
        "When the table was last analyzed, as Unix time.",
        "largest_tables.last_analyze",
        TABLE,
    ),
    counter(
        "opskit_postgres_table_seq_scans_total",
        "Sequential scans of the table.",
        "largest_tables.seq_scans",
        TABLE,
    ),
    counter(
        "opskit_postgres_table_index_scans_total",
        "Scans of the table's indexes.",
        "largest_tables.index_scans",
        TABLE,
    ),
)
"""Of the largest tables."""
