"""What the dashboards show, and in which order: data."""

from dataclasses import dataclass
from enum import Enum

from opskit.exporter.dashboards.query import Query, mean_seconds, of, share


class Form(Enum):
    """How a panel shows its queries, in Grafana's words."""

    LINES = "timeseries"
    NUMBERS = "stat"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture."""

    title: str
    queries: tuple[Query, ...]
    form: Form = Form.LINES

    @property
    def description(self) -> str:
        """What the catalogue says of its metrics."""
        return "\n".join(dict.fromkeys(metric.help for one in self.queries for metric in one.metrics))


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a common heading."""

    title: str
    panels: tuple[Panel, ...]


def _lines(title: str, *queries: Query) -> Panel:
    return Panel(title, queries)


def _numbers(title: str, *queries: Query) -> Panel:
    return Panel(title, queries, Form.NUMBERS)


_STATEMENTS = of("opskit_statements_total", "database")
_STATEMENT_SECONDS = of("opskit_statement_seconds_total", "database")
_HIT = of("opskit_postgres_blocks_hit_total")
_READ = of("opskit_postgres_blocks_read_total")
_UNUSED_PAGES = of("opskit_sqlite_freelist_pages")

ROWS = (
    Row(
        "Overview",
        (
            _numbers("Up", of("opskit_database_up")),
            _numbers("Engine in use", of("opskit_database_engine").where("== 1")),
            _numbers("Takes writes", of("opskit_database_writable")),
            _numbers("Size", of("opskit_database_size_bytes")),
            _numbers("Server has run for", of("opskit_database_start_time_seconds")),
            _numbers("Tables", of("opskit_database_tables")),
            _numbers("Engine of record", of("opskit_engine_of_record").where("== 1")),
            _numbers("Last switch, ago", of("opskit_engine_of_record_since_timestamp_seconds")),
        ),
    ),
    Row(
        "Queries",
        (
            _lines("Statements", of("opskit_statements_total")),
            _lines("Mean time of a statement", mean_seconds(_STATEMENT_SECONDS, _STATEMENTS)),
            _lines("Sessions busy with statements, by kind", of("opskit_statement_seconds_total")),
            _lines("Rows of statements", of("opskit_statement_rows_total")),
            _lines("Costliest statements: time", of("opskit_top_statement_seconds_total")),
            _lines("Costliest statements: calls", of("opskit_top_statement_calls_total")),
            _lines("Costliest statements: rows", of("opskit_top_statement_rows_total")),
            _lines(
                "Costliest statements: blocks not in the cache", of("opskit_top_statement_blocks_read_total")
            ),
            _lines("Found in PostgreSQL's cache", share(_HIT, _HIT, _READ)),
            _lines(
                "Transactions",
                of("opskit_postgres_transactions_committed_total"),
                of("opskit_postgres_transactions_rolled_back_total"),
            ),
            _lines("Rows", of("opskit_postgres_rows_total")),
            _lines("Temporary files", of("opskit_postgres_temp_bytes_total")),
            _lines("Temporary files made", of("opskit_postgres_temp_files_total")),
            _lines(
                "Waiting for blocks",
                of("opskit_postgres_block_read_seconds_total"),
                of("opskit_postgres_block_write_seconds_total"),
            ),
            _lines("Statement statistics dropped", of("opskit_statement_evictions_total")),
        ),
    ),
    Row(
        "Connections and locks",
        (
            _lines("Sessions", of("opskit_postgres_connections")),
            _lines(
                "Sessions at most, and kept for superusers",
                of("opskit_postgres_connections_limit"),
                of("opskit_postgres_connections_reserved"),
            ),
            _lines("Sessions begun", of("opskit_postgres_sessions_total")),
            _lines("Sessions broken off", of("opskit_postgres_sessions_ended_total")),
            _lines(
                "Blocked and blocking sessions",
                of("opskit_postgres_blocked_sessions"),
                of("opskit_postgres_blocking_sessions"),
            ),
            _lines("Longest wait for a lock", of("opskit_postgres_longest_block_seconds")),
            _lines("Longest transaction", of("opskit_postgres_longest_transaction_seconds")),
            _lines("Longest query", of("opskit_postgres_longest_query_seconds")),
            _lines("Locks", of("opskit_postgres_locks")),
            _lines("Deadlocks", of("opskit_postgres_deadlocks_total")),
            _lines("Prepared transactions", of("opskit_postgres_prepared_transactions")),
            _lines("Queries cancelled by recovery", of("opskit_postgres_conflicts_total")),
            _lines("SQLite: write lock held", of("opskit_sqlite_write_lock_held")),
            _lines("SQLite: write lock held for", of("opskit_sqlite_write_lock_held_seconds")),
        ),
    ),
    Row(
        "Storage",
        (
            _lines("Databases", of("opskit_database_size_bytes")),
            _lines("Largest tables", of("opskit_postgres_table_size_bytes")),
            _lines("Rows of the largest tables", of("opskit_postgres_table_live_rows")),
            _lines("Sequential scans", of("opskit_postgres_table_seq_scans_total")),
            _lines("Index scans", of("opskit_postgres_table_index_scans_total")),
            _lines("Sequences used", of("opskit_postgres_sequence_used_ratio")),
            _lines("Indexes that are not used", of("opskit_postgres_invalid_indexes")),
            _lines("Damaged blocks", of("opskit_postgres_checksum_failures_total")),
            _lines("SQLite: files", of("opskit_sqlite_file_bytes")),
            _lines("SQLite: unused pages", share(_UNUSED_PAGES, of("opskit_sqlite_pages"))),
            _lines("SQLite: hot journal", of("opskit_sqlite_hot_journal")),
        ),
    ),
    Row(
        "Vacuum and log",
        (
            _lines(
                "Transactions not frozen",
                of("opskit_postgres_xid_age"),
                of("opskit_postgres_multixact_age"),
                of("opskit_postgres_xid_freeze_limit"),
            ),
            _lines("What vacuum must leave", of("opskit_postgres_oldest_xmin_age")),
            _lines("Dead rows", of("opskit_postgres_table_dead_rows")),
            _lines("Last vacuum, ago", of("opskit_postgres_table_last_vacuum_timestamp_seconds")),
            _lines("Last analyze, ago", of("opskit_postgres_table_last_analyze_timestamp_seconds")),
            _lines(
                "Autovacuum's workers",
                of("opskit_postgres_autovacuum_workers"),
                of("opskit_postgres_autovacuum_workers_limit"),
            ),
            _lines("Log written", of("opskit_postgres_wal_bytes_total")),
            _lines("Log records", of("opskit_postgres_wal_records_total")),
            _lines("Log on disk", of("opskit_postgres_wal_directory_bytes")),
            _lines("Log buffers full", of("opskit_postgres_wal_buffers_full_total")),
            _lines("Checkpoints", of("opskit_postgres_checkpoints_total")),
            _lines(
                "Checkpoints at work",
                of("opskit_postgres_checkpoint_write_seconds_total"),
                of("opskit_postgres_checkpoint_sync_seconds_total"),
            ),
            _lines("Buffers written", of("opskit_postgres_buffers_written_total")),
            _lines(
                "Log files archived",
                of("opskit_postgres_archived_segments_total"),
                of("opskit_postgres_archive_failures_total"),
            ),
            _lines("Log files to be archived", of("opskit_postgres_archive_pending_segments")),
            _lines(
                "Last archived, last failed, ago",
                of("opskit_postgres_archive_last_success_timestamp_seconds"),
                of("opskit_postgres_archive_last_failure_timestamp_seconds"),
            ),
            _lines(
                "Log kept for slots",
                of("opskit_postgres_slot_retained_bytes"),
                of("opskit_postgres_slot_safe_bytes"),
            ),
            _lines(
                "Slots read, slots lost", of("opskit_postgres_slot_active"), of("opskit_postgres_slot_lost")
            ),
            _lines("Replicas", of("opskit_postgres_replicas"), of("opskit_postgres_in_recovery")),
            _lines("Replicas behind", of("opskit_postgres_replication_lag_bytes")),
            _lines("Replicas behind in time", of("opskit_postgres_replication_lag_seconds")),
            _lines(
                "SQLite: write-ahead log",
                of("opskit_sqlite_wal_frames"),
                of("opskit_sqlite_wal_frames_pending"),
                of("opskit_sqlite_oldest_reader_frame_lag"),
            ),
        ),
    ),
    Row(
        "Backup",
        (
            _numbers("Age of the newest backup", of("opskit_backup_last_success_timestamp_seconds")),
            _numbers("Last attempt succeeded", of("opskit_backup_last_attempt_success")),
            _numbers("Last attempt, ago", of("opskit_backup_last_attempt_timestamp_seconds")),
            _numbers("Damaged", of("opskit_backup_damaged")),
            _numbers("Passed a check, ago", of("opskit_backup_last_verified_timestamp_seconds")),
            _numbers("Last check succeeded", of("opskit_backup_last_check_success")),
            _numbers("Last check, ago", of("opskit_backup_last_check_timestamp_seconds")),
            _numbers("SQLite file sound", of("opskit_sqlite_integrity_ok")),
            _numbers("SQLite file checked, ago", of("opskit_sqlite_integrity_check_timestamp_seconds")),
            _numbers("Backups kept", of("opskit_backup_retained")),
            _numbers(
                "Any moment comes back of the last",
                of("opskit_backup_recovery_window_start_timestamp_seconds"),
            ),
            _lines("Size", of("opskit_backup_last_size_bytes"), of("opskit_backup_total_size_bytes")),
            _lines("Time to make one", of("opskit_backup_last_duration_seconds")),
            _lines("Time to check one", of("opskit_backup_last_check_duration_seconds")),
        ),
    ),
    Row(
        "Way back",
        (
            _numbers("Rollback loses nothing", of("opskit_rollback_ready")),
            _numbers("Standby", of("opskit_standby_phase").where("== 1")),
            _numbers(
                "The window ended (before, when negative)", of("opskit_rollback_deadline_timestamp_seconds")
            ),
            _numbers("Last rehearsal succeeded", of("opskit_rollback_rehearsal_success")),
            _numbers("Last rehearsal, ago", of("opskit_rollback_rehearsal_timestamp_seconds")),
            _numbers("Writes stopped in it for", of("opskit_rollback_rehearsal_duration_seconds")),
            _numbers("Standby last told, ago", of("opskit_standby_last_update_timestamp_seconds")),
            _numbers("Compared whole, ago", of("opskit_standby_last_verified_timestamp_seconds")),
            _lines("Behind", of("opskit_standby_lag_seconds")),
            _lines("Rows that came back", of("opskit_standby_changes_total")),
            _lines("Log kept for it", of("opskit_standby_retained_bytes"), of("opskit_standby_safe_bytes")),
        ),
    ),
    Row(
        "The exporter",
        (
            _lines("Time to connect and to be answered", of("opskit_probe_duration_seconds")),
            _lines("Probes that failed", of("opskit_probe_failures_total")),
            _lines("Collectors", of("opskit_collector_duration_seconds")),
            _lines("Collectors that failed", of("opskit_collector_failures_total")),
            _lines("Series", of("opskit_exporter_series"), of("opskit_exporter_series_dropped_total")),
            _lines("Requests", of("opskit_exporter_http_requests_total")),
        ),
    ),
)

NOT_SHOWN = frozenset(
    {
        "opskit_database_info",
        "opskit_collector_success",
        "opskit_collector_last_success_timestamp_seconds",
        "opskit_probe_last_success_timestamp_seconds",
        "opskit_exporter_build_info",
        "opskit_exporter_config_last_reload_success_timestamp_seconds",
        "opskit_exporter_config_last_reload_successful",
        "opskit_exporter_snapshot_age_seconds",
        "opskit_postgres_settings_pending_restart",
        "opskit_postgres_stats_reset_timestamp_seconds",
        "opskit_sqlite_journal_mode",
        "opskit_sqlite_page_size_bytes",
        "opskit_sqlite_schema_cookie",
        "opskit_statement_stats_available",
        "opskit_top_statement_info",
        "opskit_top_statements_limit",
    }
)
"""For joins, for alerts, or without a course that would tell anything."""
