"""A metric's `reason` for what PostgreSQL or libpq says: one of few, never a secret."""

import re

CONNECTION_LOST = "connection_lost"

STARTING_UP = "starting_up"

_CONNECTION = (
    (STARTING_UP, re.compile("starting up|not yet accepting|recovery mode")),
    ("shutting_down", re.compile("shutting down")),
    ("too_many_connections", re.compile("too many (clients|connections)|remaining connection slots")),
    ("authentication", re.compile("authentication failed|no pg_hba|no password|password authentication")),
    ("database_missing", re.compile('database ".*" does not exist')),
    ("role_missing", re.compile('role ".*" does not exist')),
    ("permission_denied", re.compile("permission denied")),
    ("host_unknown", re.compile("could not translate host name")),
    ("not_running", re.compile("Connection refused|No such file or directory")),
)
"""libpq tells why a connection failed in words only; in other languages the reason is `connection`."""


def connection_reason(words: str) -> str:
    """The reason for what libpq says about a failed connection."""
    return next((reason for reason, pattern in _CONNECTION if pattern.search(words)), "connection")


_CONDITIONS = {
    "0A000": "feature_not_supported",
    "22012": "division_by_zero",
    "22P02": "invalid_text_representation",
    "25006": "read_only_sql_transaction",
    "40P01": "deadlock_detected",
    "42501": "insufficient_privilege",
    "42601": "syntax_error",
    "42703": "undefined_column",
    "42883": "undefined_function",
    "42P01": "undefined_table",
    "53100": "disk_full",
    "53200": "out_of_memory",
    "53300": "too_many_connections",
    "55000": "object_not_in_prerequisite_state",
    "55P03": "lock_not_available",
    "57014": "query_canceled",
    "57P01": "admin_shutdown",
    "57P02": "crash_shutdown",
    "57P03": "cannot_connect_now",
    "58030": "io_error",
    "XX000": "internal_error",
    "XX001": "data_corrupted",
    "XX002": "index_corrupted",
}
"""PostgreSQL's names of what a query of the exporter may meet
(https://www.postgresql.org/docs/15/errcodes-appendix.html).
"""


def condition(sqlstate: str) -> str:
    """PostgreSQL's own name of a condition; its code where the name is not known here.

    >>> condition("57014"), condition("2200H")
    ('query_canceled', 'sqlstate_2200h')
    """
    return _CONDITIONS.get(sqlstate, f"sqlstate_{sqlstate.lower()}")
