"""Every metric the exporter serves, as data: a metric is an entry here and a column of a collector's rows.

To add one: an entry, and the column (or a new .sql file, named in the engine's COLLECTORS).
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """A metric's type in the exposition."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family.

    Attributes:
        collector: whose rows hold the value; the same name on both engines.
        column: where the value stands in a row; a row without it, or with None there, gives no series.
        labels: `database` is the configured name; every other label is a column of the collector's rows.
            A family without `database` belongs to the server, and one database speaks for all.
    """

    name: str
    kind: Kind
    help: str
    collector: str
    column: str
    labels: tuple[str, ...]


_D = ("database",)


def _gauge(name: str, text: str, source: str, labels: tuple[str, ...] = _D) -> Metric:
    collector, column = source.split(".")
    return Metric(name, Kind.GAUGE, text, collector, column, labels)


def _counter(name: str, text: str, source: str, labels: tuple[str, ...] = _D) -> Metric:
    collector, column = source.split(".")
    return Metric(name, Kind.COUNTER, text, collector, column, labels)


METRICS = (
    _gauge("opskit_database_up", "Whether a fresh connection was made and answered.", "health.up"),
    _gauge(
        "opskit_database_engine",
        "1 for the engine that the application uses.",
        "engines.in_use",
        (*_D, "engine"),
    ),
    _gauge(
        "opskit_database_writable",
        "Whether writes are possible: no standby, not read-only by default, file not write-protected.",
        "database.writable",
    ),
    _gauge(
        "opskit_database_info",
        "Versions of the engine and of the application's schema; always 1.",
        "database.info",
        (*_D, "engine", "server_version", "schema_version"),
    ),
    _gauge("opskit_database_size_bytes", "Size of the database.", "database.size_bytes"),
    _gauge(
        "opskit_database_start_time_seconds",
        "When the database server started, as Unix time.",
        "database.start_time",
    ),
    _gauge("opskit_database_tables", "Number of the application's tables.", "tables.tables"),
    _gauge(
        "opskit_collector_success",
        "Whether the collector's last run succeeded.",
        "collectors.success",
        (*_D, "collector"),
    ),
    _gauge(
        "opskit_collector_duration_seconds",
        "How long the collector's last run took.",
        "collectors.seconds",
        (*_D, "collector"),
    ),
    _gauge(
        "opskit_postgres_connections",
        "Sessions of clients by state, without the exporter's own.",
        "connections.connections",
        (*_D, "state"),
    ),
    _gauge(
        "opskit_postgres_connections_limit",
        "Sessions that the server admits (max_connections).",
        "limits.connections_limit",
        (),
    ),
    _gauge(
        "opskit_postgres_connections_reserved",
        "Sessions kept for superusers out of the limit.",
        "limits.connections_reserved",
        (),
    ),
    _counter(
        "opskit_postgres_transactions_committed_total", "Transactions committed.", "transactions.committed"
    ),
    _counter(
        "opskit_postgres_transactions_rolled_back_total",
        "Transactions rolled back.",
        "transactions.rolled_back",
    ),
    _counter("opskit_postgres_rows_total", "Rows by operation.", "rows.handled", (*_D, "operation")),
    _counter(
        "opskit_postgres_blocks_read_total",
        "Blocks that were not in PostgreSQL's cache.",
        "transactions.blocks_read",
    ),
    _counter(
        "opskit_postgres_blocks_hit_total", "Blocks found in PostgreSQL's cache.", "transactions.blocks_hit"
    ),
    _counter(
        "opskit_postgres_temp_files_total", "Temporary files written by queries.", "transactions.temp_files"
    ),
    _counter(
        "opskit_postgres_temp_bytes_total", "Bytes written to temporary files.", "transactions.temp_bytes"
    ),
    _counter("opskit_postgres_deadlocks_total", "Deadlocks detected.", "transactions.deadlocks"),
    _gauge(
        "opskit_postgres_stats_reset_timestamp_seconds",
        "When the statistics were last reset, as Unix time.",
        "transactions.stats_reset",
    ),
    _gauge(
        "opskit_postgres_locks",
        "Locks by mode; granted=false are awaited.",
        "locks.locks",
        (*_D, "mode", "granted"),
    ),
    _gauge("opskit_postgres_blocked_sessions", "Sessions that wait for a lock.", "blocking.blocked"),
    _gauge(
        "opskit_postgres_blocking_sessions", "Sessions that others wait for directly.", "blocking.blocking"
    ),
    _gauge(
        "opskit_postgres_longest_block_seconds",
        "How long the longest waiting session has waited for a lock.",
        "blocking.longest_block",
    ),
    _gauge(
        "opskit_postgres_longest_transaction_seconds",
        "Age of the oldest open transaction, by what its session does.",
        "longest.transaction_seconds",
        (*_D, "state"),
    ),
    _gauge(
        "opskit_postgres_longest_query_seconds",
        "How long the longest running query has run.",
        "running.query_seconds",
    ),
    _gauge(
        "opskit_statement_stats_available",
        "Whether statement statistics can be read (pg_stat_statements preloaded and created).",
        "statement_stats.available",
    ),
    _counter("opskit_statements_total", "Statements executed, by kind.", "statements.calls", (*_D, "kind")),
    _counter(
        "opskit_statement_seconds_total",
        "Time spent executing statements, by kind.",
        "statements.seconds",
        (*_D, "kind"),
    ),
    _counter(
        "opskit_statement_rows_total",
        "Rows returned or changed by statements, by kind.",
        "statements.rows",
        (*_D, "kind"),
    ),
    _counter(
        "opskit_statement_evictions_total",
        "How often the statement statistics were full and dropped their least used entries.",
        "statement_evictions.evictions",
        (),
    ),
    _gauge(
        "opskit_sqlite_file_bytes",
        "Size of the database, wal and shm file; none when it does not exist.",
        "files.bytes",
        (*_D, "file"),
    ),
    _gauge("opskit_sqlite_page_size_bytes", "Size of a page.", "header.page_size"),
    _gauge("opskit_sqlite_pages", "Pages of the database.", "pages.pages"),
    _gauge("opskit_sqlite_freelist_pages", "Unused pages in the database.", "pages.freelist_pages"),
    _gauge("opskit_sqlite_wal_frames", "Valid frames in the write-ahead log.", "wal.frames"),
    _gauge(
        "opskit_sqlite_wal_frames_pending",
        "Frames of the write-ahead log that are not yet in the database file.",
        "wal.pending",
    ),
    _gauge(
        "opskit_sqlite_journal_mode",
        "1 for the journal mode of the file: wal or rollback.",
        "journal_mode.in_use",
        (*_D, "mode"),
    ),
    _gauge(
        "opskit_sqlite_schema_cookie",
        "Number that every change of the schema increases.",
        "pages.schema_cookie",
    ),
    _gauge(
        "opskit_sqlite_write_lock_held",
        "Whether a connection held the write lock at the moment of the scrape.",
        "lock.write_lock_held",
    ),
    _gauge(
        "opskit_sqlite_hot_journal",
        "Whether a crashed writer left a rollback journal that the next writer must play back.",
        "lock.hot_journal",
    ),
    _gauge(
        "opskit_top_statements_limit",
        "How many statements of a database are reported singly.",
        "statement_stats.top_limit",
        (),
    ),
    _gauge(
        "opskit_top_statement_info",
        "Kind of a statement reported singly; always 1.",
        "statements.top",
        (*_D, "queryid", "kind"),
    ),
    _counter(
        "opskit_top_statement_calls_total",
        "Executions of the statement.",
        "statements.top_calls",
        (*_D, "queryid"),
    ),
    _counter(
        "opskit_top_statement_seconds_total",
        "Time spent executing the statement.",
        "statements.top_seconds",
        (*_D, "queryid"),
    ),
    _counter(
        "opskit_top_statement_rows_total",
        "Rows returned or changed by the statement.",
        "statements.top_rows",
        (*_D, "queryid"),
    ),
    _counter(
        "opskit_top_statement_blocks_read_total",
        "Blocks the statement read that were not in PostgreSQL's cache.",
        "statements.top_blocks_read",
        (*_D, "queryid"),
    ),
)
"""Read from the databases; in the order in which series are kept when there are too many."""
