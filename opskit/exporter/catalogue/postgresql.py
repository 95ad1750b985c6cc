"""What PostgreSQL says of a database and of its server."""

from opskit.exporter.metric import DATABASE, counter, gauge

POSTGRESQL = (
    gauge(
        "opskit_postgres_connections",
        "Sessions of clients by state, without the exporter's own.",
        "connections.connections",
        (*DATABASE, "state"),
    ),
    gauge(
        "opskit_postgres_connections_limit",
        "Sessions that the server admits (max_connections).",
        "limits.connections_limit",
        (),
    ),
    gauge(
        "opskit_postgres_connections_reserved",
        "Sessions kept for superusers out of the limit.",
        "limits.connections_reserved",
        (),
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
)
