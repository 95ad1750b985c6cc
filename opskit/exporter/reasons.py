"""A metric's `reason` for what PostgreSQL or libpq says: one of few, never a secret."""

import re

import psycopg
from psycopg import errors

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


def condition(sqlstate: str) -> str:
    """PostgreSQL's own name of a condition; its class's when psycopg does not know it.

    >>> condition("57014")
    'query_canceled'
    """
    try:
        name = errors.lookup(sqlstate).__name__
    except KeyError:
        name = psycopg.DatabaseError.__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
