"""A PostgreSQL database as its monitoring role sees it, over one session that is kept."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, class_row

from opskit.adapters.connect import postgresql_parameters
from opskit.config import Configuration, Engine
from opskit.exporter.postgresql import as_exporter
from opskit.exporter.reasons import condition, connection_reason
from opskit.top.model import Cost, Session, Statement, View
from opskit.top.queries import query
from opskit.top.ranking import Sort, costliest, in_order, spent
from opskit.top.redaction import redacted
from opskit.transfer.deadlines import BoundedConnection, Deadline, NoAnswer, connect

APPLICATION_NAME = "opskit top"
PATIENCE_SECONDS = 5.0
"""A server that does not answer for so long is told to be hanging."""

NO_STATISTICS = (
    "no statement statistics: pg_stat_statements is not preloaded, or not created (opskit provision)"
)
NO_RIGHT = "this role may not see what others do: it lacks pg_monitor (opskit provision, exporter.user)"


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the role can see; `statistics` is the schema of those of statements."""

    all_of_others: bool
    statistics: str | None


class PostgresqlEye:
    """Looks at one database again and again.

    Args:
        name: the database's configured name.
    """

    def __init__(self, configuration: Configuration, name: str) -> None:
        self._configuration = as_exporter(configuration)
        self._connection: BoundedConnection[DictRow] | None = None
        self._texts: Mapping[str, str] = {}
        self._looked: tuple[float, Mapping[str, Cost]] | None = None
        self._spent: Mapping[str, Cost] = {}
        self._seen = View(name, Engine.POSTGRESQL)

    def look(self) -> None:
        """Sees what is there. Statements count since the last look, at first since their statistics began.

        Raises:
            ConfigurationError: the password cannot be read.
        """
        try:
            connection = self._connected()
            sight = connection.cursor(row_factory=class_row(_Sight)).execute(query("sight")).fetchall()[0]
            sessions = in_order(_sessions(connection))
            span = self._count(connection, sight.statistics)
        except psycopg.Error as error:
            self._fail(error)
            return
        found = (sight.statistics, NO_STATISTICS), (sight.all_of_others, NO_RIGHT)
        notes = tuple(note for there, note in found if not there)
        self._seen = replace(self._seen, failure="", notes=notes, span=span, sessions=sessions)

    def view(self, sort: Sort, limit: int) -> View:
        """What was seen last, so ranked."""
        ranked = costliest(self._spent, sort, limit)
        try:
            self._learn([queryid for queryid, _ in ranked])
        except psycopg.Error as error:
            self._fail(error)
        if self._seen.failure:
            return self._seen
        statements = tuple(Statement(queryid, cost, self._texts.get(queryid, "")) for queryid, cost in ranked)
        return replace(self._seen, statements=statements)

    def close(self) -> None:
        """Ends the session."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self) -> BoundedConnection[DictRow]:
        deadline = Deadline.after(PATIENCE_SECONDS)
        if self._connection is None:
            parameters = postgresql_parameters(self._configuration, self._seen.database)
            limited = f"-c statement_timeout={PATIENCE_SECONDS * 1000:.0f}"
            options = f"{parameters.get('options', '')} {limited}".strip()
            own = {"application_name": APPLICATION_NAME, "options": options, "client_encoding": "utf8"}
            self._connection = connect(make_conninfo("", **{**parameters, **own}), deadline)
        self._connection.limit = deadline
        return self._connection

    def _count(self, connection: BoundedConnection[DictRow], schema: str | None) -> float | None:
        """What was spent since the last look, and how long ago that was; nothing without statistics."""
        if schema is None:
            self._looked, self._spent = None, {}
            return None
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        at, costs, last = time.monotonic(), _costs(connection), self._looked
        self._spent = spent(last[1], costs) if last else costs
        self._looked = (at, costs)
        return at - last[0] if last else None

    def _learn(self, queryids: Sequence[str]) -> None:
        """Texts stand in a file of the server's that is read whole: each is asked for once."""
        missing = [one for one in queryids if one not in self._texts]
        if missing and not self._seen.failure:
            rows = self._connected().execute(query("texts"), {"queryids": missing}).fetchall()
            self._texts = {**self._texts, **{row["queryid"]: redacted(row["text"]) for row in rows}}

    def _fail(self, error: psycopg.Error) -> None:
        """Forgets what was seen; the driver's words stay out, as they may quote a password."""
        self.close()
        self._looked, self._spent = None, {}
        self._seen = View(self._seen.database, Engine.POSTGRESQL, failure=reason(error))


def reason(error: psycopg.Error) -> str:
    """Why PostgreSQL cannot be looked at, in few words."""
    if isinstance(error, NoAnswer):
        return f"no answer for {PATIENCE_SECONDS:g} s"
    named = condition(error.sqlstate) if error.sqlstate else connection_reason(str(error))
    return named.replace("_", " ")


def _sessions(connection: BoundedConnection[DictRow]) -> Sequence[Session]:
    found = connection.cursor(row_factory=class_row(Session)).execute(query("sessions")).fetchall()
    return [replace(one, blocked_by=tuple(one.blocked_by), text=redacted(one.text)) for one in found]


def _costs(connection: BoundedConnection[DictRow]) -> Mapping[str, Cost]:
    rows = connection.execute(query("costs")).fetchall()
    return {row["queryid"]: Cost(row["calls"], row["seconds"], row["rows"]) for row in rows}
