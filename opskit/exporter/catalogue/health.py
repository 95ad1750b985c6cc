"""How a database and its reading are, whichever engine it lives in."""

from opskit.exporter.metric import DATABASE, gauge

HEALTH = (
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
    gauge("opskit_database_size_bytes", "Size of the database.", "size.size_bytes"),
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
)
