"""Reading a PostgreSQL database: a fresh session for every collection, so that none can be hung or stale."""

import re
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import psycopg
from psycopg.conninfo import make_conninfo

from opskit.adapters.connect import postgresql_parameters
from opskit.config import Configuration, Engine
from opskit.exporter.deadlines import Session, connect
from opskit.exporter.queries import query
from opskit.exporter.reading import Deadline, Outcome, ReadFailed, Reading, Row, collect, probe
from opskit.exporter.statements import Ratchet, members

APPLICATION_NAME = "opskit-exporter"

STATEMENT_SHARE = 0.4
"""The share of the deadline after which the server gives up one query (a lock, a slow catalogue), so that the
next collectors still get their turn."""

RETRY_SECONDS = 0.05
"""The pause before asking again while the server says that it is starting up."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A query to run, and the collector that must have found `available` true first."""

    name: str
    requires: str = ""


COLLECTORS = (
    Collector("database"),
    Collector("tables"),
    Collector("limits"),
    Collector("connections"),
    Collector("transactions"),
    Collector("rows"),
    Collector("locks"),
    Collector("blocking"),
    Collector("longest"),
    Collector("running"),
    Collector("statement_stats"),
    Collector("statements", requires="statement_stats"),
    Collector("statement_evictions", requires="statement_stats"),
    Collector("top_statements", requires="statement_stats"),
)

_CONNECTION_REASONS = (
    ("starting_up", re.compile("starting up|not yet accepting|recovery mode")),
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


class PostgresqlReader:
    """Reads one database; holds only what has to be remembered from one reading to the next.

    Args:
        name: the database's configured name.
    """

    def __init__(self, configuration: Configuration, name: str) -> None:
        self._configuration = configuration
        self._name = name
        self._members: frozenset[str] = frozenset()
        self._ratchet = Ratchet("kind", ("calls", "seconds", "rows"))

    def read(self, deadline: Deadline) -> Reading:
        """The database as a new session sees it; ends by the deadline."""
        connected, opened = probe("connect", lambda: self._connect(deadline))
        if opened is None:
            return Reading(self._name, Engine.POSTGRESQL, up=False, probes=(connected,))
        with closing(opened) as session:
            answered, _ = probe("read", lambda: _rows(session, b"select 1 as answer"))
            up = answered.failure is None
            collected = tuple(self._collect(session)) if up else ()
            return Reading(self._name, Engine.POSTGRESQL, up, (connected, answered), collected)

    def _connect(self, deadline: Deadline) -> Session:
        parameters = postgresql_parameters(self._configuration, self._name)
        with _translated():
            return _patiently(make_conninfo("", **_guarded(parameters, deadline)), deadline)

    def _collect(self, session: Session) -> Iterable[Outcome]:
        available: set[str] = set()
        for collector in COLLECTORS:
            if collector.requires and collector.requires not in available:
                continue
            outcome = self._remembered(collect(collector.name, partial(self._query, session, collector.name)))
            if any(row.get("available") for row in outcome.rows):
                available.add(collector.name)
            yield outcome

    def _query(self, session: Session, name: str) -> Sequence[Row]:
        limit = self._configuration.exporter.top_statements
        parameters = {"limit": 2 * limit} if name == "top_statements" else None
        return _rows(session, query(Engine.POSTGRESQL, name), parameters)

    def _remembered(self, outcome: Outcome) -> Outcome:
        """Statement statistics, made steady over time."""
        limit = self._configuration.exporter.top_statements
        if outcome.name == "statement_stats":
            return replace(outcome, rows=tuple({**row, "limit": limit} for row in outcome.rows))
        if outcome.name == "statements":
            return replace(outcome, rows=tuple(self._ratchet.apply(row) for row in outcome.rows))
        if outcome.name == "top_statements" and not outcome.failure:
            self._members = members(self._members, [str(row["queryid"]) for row in outcome.rows], limit)
            return replace(
                outcome, rows=tuple(row for row in outcome.rows if row["queryid"] in self._members)
            )
        return outcome


def connection_reason(words: str) -> str:
    """A metric's reason for what libpq says about a failed connection."""
    return next((reason for reason, pattern in _CONNECTION_REASONS if pattern.search(words)), "connection")


def query_reason(error: psycopg.Error) -> str:
    """A metric's reason for a failed query: PostgreSQL's own name of the condition."""
    if error.sqlstate is None:
        return "connection_lost"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def _guarded(parameters: Mapping[str, str | int], deadline: Deadline) -> dict[str, str | int]:
    """The parameters with the exporter's name, and a limit that the server keeps itself."""
    timeout = f"-c statement_timeout={max(1, int(deadline.left() * STATEMENT_SHARE * 1000))}"
    options = f"{parameters.get('options', '')} {timeout}".strip()
    return {**parameters, "application_name": APPLICATION_NAME, "options": options}


def _patiently(conninfo: str, deadline: Deadline) -> Session:
    """A session; while the server is starting up, it is asked again until the deadline."""
    while True:
        try:
            return connect(conninfo, deadline)
        except psycopg.OperationalError as error:
            if connection_reason(str(error)) != "starting_up" or deadline.left() <= RETRY_SECONDS:
                raise
        time.sleep(RETRY_SECONDS)


def _rows(session: Session, text: bytes, parameters: Mapping[str, int] | None = None) -> Sequence[Row]:
    with _translated():
        return cast("list[Row]", session.execute(text, parameters).fetchall())


@contextmanager
def _translated() -> Generator[None]:
    """psycopg's errors as ours, at the driver's edge; their words stay out: they may quote the statement."""
    try:
        yield
    except psycopg.OperationalError as error:
        reason = query_reason(error) if error.sqlstate else connection_reason(str(error))
        raise ReadFailed.of(reason, "PostgreSQL cannot be read") from error
    except psycopg.Error as error:
        raise ReadFailed.of(query_reason(error), "PostgreSQL refused a query") from error
