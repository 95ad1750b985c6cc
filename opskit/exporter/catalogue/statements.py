"""What statements cost, by kind and singly."""

from opskit.exporter.metric import DATABASE, counter, gauge

STATEMENTS = (
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
)

TOP_STATEMENTS = (
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
"""Many series, of which none is missed like the others."""
