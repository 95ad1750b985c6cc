"""Every metric the exporter serves, as data: a metric is an entry here and a column of a collector's rows.

To add one: an entry, and the column (or a new .sql file, named in the engine's COLLECTORS).
"""

from opskit.exporter.metric import DATABASE, counter, gauge

METRICS = (
    gauge("opskit_database_up", "Whether a fresh connection was made and answered.", "health.up"),
    gauge(
        "opskit_database_engine",
        "1 for the engine that the application uses.",
        "engines.in_use",
        (*DATABASE, "engine"),
    ),
    gauge(
        "opskit_database_writable",
        "Whether writes are possible: no standby, not read-only by default, file not write-protected.",
        "database.writable",
    ),
    gauge(
        "opskit_database_info",
        "Versions of the engine and of the application's schema; always 1.",
        "database.info",
        (*DATABASE, "engine", "server_version", "schema_version"),
    ),
    gauge("opskit_database_size_bytes", "Size of the database.", "database.size_bytes"),
    gauge(
        "opskit_database_start_time_seconds",
        "When the database server started, as Unix time.",
        "database.start_time",
    ),
    gauge("opskit_database_tables", "Number of the application's tables.", "tables.tables"),
    gauge(
        "opskit_collector_success",
        "Whether the collector's last run succeeded.",
        "collectors.success",
        (*DATABASE, "collector"),
    ),
    gauge(
        "opskit_collector_duration_seconds",
        "How long the collector's last run took.",
        "collectors.seconds",
        (*DATABASE, "collector"),
    ),
    gauge(
        "opskit_backup_last_success_timestamp_seconds",
        "When the newest backup was made, as Unix time.",
        "backups.made",
    ),
    gauge("opskit_backup_last_size_bytes", "Size of the newest backup.", "backups.bytes"),
    gauge(
        "opskit_backup_last_duration_seconds",
        "How long it took to make the newest backup.",
        "backups.seconds",
    ),
    gauge(
        "opskit_backup_last_attempt_timestamp_seconds",
        "When the last attempt to make a backup ended, as Unix time.",
        "backups.attempted",
    ),
    gauge(
        "opskit_backup_last_attempt_success",
        "Whether the last attempt to make a backup succeeded.",
        "backups.succeeded",
    ),
    gauge(
        "opskit_backup_last_check_timestamp_seconds",
        "When the last check of a backup that looked so closely ended, as Unix time.",
        "backups.checked",
        (*DATABASE, "level"),
    ),
    gauge(
        "opskit_backup_last_check_success",
        "Whether that check was carried out and found nothing wrong.",
        "backups.sound",
        (*DATABASE, "level"),
    ),
    gauge(
        "opskit_backup_last_check_duration_seconds",
        "How long that check took.",
        "backups.check_seconds",
        (*DATABASE, "level"),
    ),
    gauge(
        "opskit_rollback_ready",
        "Whether a rollback to SQLite would lose nothing; none while there is no way back.",
        "standby.ready",
    ),
    gauge(
        "opskit_rollback_deadline_timestamp_seconds",
        "When the way back ends as configured, as Unix time.",
        "standby.deadline",
    ),
    gauge(
        "opskit_standby_phase",
        "1 for what the standby does: closed, ended, opening, following or stuck.",
        "standby.in_phase",
        (*DATABASE, "phase"),
    ),
    gauge(
        "opskit_standby_last_update_timestamp_seconds",
        "When the standby last told how it is, as Unix time.",
        "standby.told",
    ),
    gauge("opskit_standby_lag_seconds", "Age of the moment that the standby's file shows.", "standby.lag"),
    counter("opskit_standby_changes_total", "Rows that the standby brought back.", "standby.changes"),
    gauge(
        "opskit_standby_last_verified_timestamp_seconds",
        "When the table compared longest ago was compared, as Unix time.",
        "standby.verified",
    ),
    gauge("opskit_standby_retained_bytes", "Log that PostgreSQL keeps for the standby.", "standby.retained"),
    gauge(
        "opskit_standby_safe_bytes",
        "Log that may be written before PostgreSQL gives the standby up.",
        "standby.safe",
    ),
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
    gauge(
        "opskit_statement_stats_available",
        "Whether statement statistics can be read (pg_stat_statements preloaded and created).",
        "statement_stats.available",
    ),
    counter(
        "opskit_statements_total", "Statements executed, by kind.", "statements.calls", (*DATABASE, "kind")
    ),
    counter(
        "opskit_statement_seconds_total",
        "Time spent executing statements, by kind.",
        "statements.seconds",
        (*DATABASE, "kind"),
    ),
    counter(
        "opskit_statement_rows_total",
        "Rows returned or changed by statements, by kind.",
        "statements.rows",
        (*DATABASE, "kind"),
    ),
    counter(
        "opskit_statement_evictions_total",
        "How often the statement statistics were full and dropped their least used entries.",
        "statement_evictions.evictions",
        (),
    ),
    gauge(
        "opskit_sqlite_file_bytes",
        "Size of the database, wal and shm file; none when it does not exist.",
        "files.bytes",
        (*DATABASE, "file"),
    ),
    gauge("opskit_sqlite_page_size_bytes", "Size of a page.", "header.page_size"),
    gauge("opskit_sqlite_pages", "Pages of the database.", "pages.pages"),
    gauge("opskit_sqlite_freelist_pages", "Unused pages in the database.", "pages.freelist_pages"),
    gauge("opskit_sqlite_wal_frames", "Valid frames in the write-ahead log.", "wal.frames"),
    gauge(
        "opskit_sqlite_wal_frames_pending",
        "Frames of the write-ahead log that are not yet in the database file.",
        "wal.pending",
    ),
    gauge(
        "opskit_sqlite_journal_mode",
        "1 for the journal mode of the file: wal or rollback.",
        "journal_mode.in_use",
        (*DATABASE, "mode"),
    ),
    gauge(
        "opskit_sqlite_schema_cookie",
        "Number that every change of the schema increases.",
        "pages.schema_cookie",
    ),
    gauge(
        "opskit_sqlite_write_lock_held",
        "Whether a connection held the write lock at the moment of the scrape.",
        "lock.write_lock_held",
    ),
    gauge(
        "opskit_sqlite_hot_journal",
        "Whether a crashed writer left a rollback journal that the next writer must play back.",
        "lock.hot_journal",
    ),
    gauge(
        "opskit_top_statements_limit",
        "How many statements of a database are reported singly.",
        "statement_stats.top_limit",
        (),
    ),
    gauge(
        "opskit_top_statement_info",
        "Kind of a statement reported singly; always 1.",
        "statements.top",
        (*DATABASE, "queryid", "kind"),
    ),
    counter(
        "opskit_top_statement_calls_total",
        "Executions of the statement.",
        "statements.top_calls",
        (*DATABASE, "queryid"),
    ),
    counter(
        "opskit_top_statement_seconds_total",
        "Time spent executing the statement.",
        "statements.top_seconds",
        (*DATABASE, "queryid"),
    ),
    counter(
        "opskit_top_statement_rows_total",
        "Rows returned or changed by the statement.",
        "statements.top_rows",
        (*DATABASE, "queryid"),
    ),
    counter(
        "opskit_top_statement_blocks_read_total",
        "Blocks the statement read that were not in PostgreSQL's cache.",
        "statements.top_blocks_read",
        (*DATABASE, "queryid"),
    ),
)
"""Read from databases and status files; in the order in which series are kept when there are too many."""
