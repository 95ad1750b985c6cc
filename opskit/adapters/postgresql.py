"""PostgreSQL through psycopg 3.

Parameters travel apart from the text, as `$1` (psycopg's raw cursors), so that `%` has no meaning anywhere.
Statements are prepared on the server only when asked for: a prepared `SELECT *` fails once per connection
after an ALTER TABLE, and this application changes its schema while it runs.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from select import select
from typing import cast

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from opskit.adapters.adapter import Adapter, Limits
from opskit.adapters.api import ExecuteResult, Parameter
from opskit.adapters.dialect import Query
from opskit.adapters.postgresql_errors import refused, translated
from opskit.adapters.postgresql_types import register_loaders
from opskit.adapters.rows import Record
from opskit.adapters.session import Result
from opskit.adapters.values import to_postgresql
from opskit.config import Engine
from opskit.errors import DatabaseError, QueryFailed, TransactionFailed

CANCEL_SECONDS = 5.0
_GENERATED_KEY = (Path(__file__).parent / "sql/generated_key.sql").read_bytes()
_ROWS_CHANGED = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_NO_OUTCOME = ExecuteResult(0)
_NEVER = 2**31
"""Uses after which psycopg would prepare a statement unasked; None would forbid preparing altogether."""
_SCHEMA_VERBS = frozenset({"CREATE", "ALTER", "DROP"})


def open_postgresql(
    parameters: Mapping[str, str | int],
    *,
    name: str = "postgresql",
    limits: Limits | None = None,
) -> Adapter:
    """The PostgreSQL database that libpq's connection parameters name.

    Args:
        parameters: as `postgresql_parameters` makes them.
        name: what messages and metrics call it.
    """
    limits = limits or Limits()
    server = _Server({"client_encoding": "utf8", **parameters}, name, limits.statement_timeout_seconds)
    return Adapter(name, Engine.POSTGRESQL, lambda: PostgresqlSession(server), limits)


class _Server:
    """What the sessions of one database share.

    Attributes:
        keys: table as written → the quoted column that the server gives keys to, or None.
    """

    def __init__(
        self, parameters: Mapping[str, str | int], name: str, statement_timeout_seconds: float
    ) -> None:
        self.parameters = parameters
        self.name = name
        self.statement_timeout_seconds = statement_timeout_seconds
        self.keys: dict[str, str | None] = {}


class PostgresqlSession:
    """One PostgreSQL connection; satisfies `Session`."""

    begin = "BEGIN"

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._connection = _connect(server)
        self._cursor_numbers = count(1)
        self._stale = False

    def run(self, query: Query, values: Sequence[Parameter], *, prepare: bool, key: bool) -> Result:
        """Run a statement to its end."""
        adapted = [to_postgresql(value) for value in values]
        with self._errors(QueryFailed):
            column = self._generated_key(query) if key and query.inserts_into else None
            if column is not None:
                return self._insert(query, adapted, column, prepare=prepare)
            with self._connection.cursor() as cursor:
                self._execute(cursor, query.text, adapted, prepare=prepare)
                return _result(cursor, ExecuteResult(self._changes(cursor)))

    def run_many(self, query: Query, rows: Iterable[Sequence[Parameter]]) -> int:
        """Run a statement once for each row, in one pipeline."""
        adapted = ([to_postgresql(value) for value in values] for values in rows)
        with self._errors(QueryFailed), self._connection.cursor() as cursor:
            cursor.executemany(query.text.encode(), adapted)
            return max(cursor.rowcount, 0) if query.changes_rows else 0

    def stream(self, query: Query, values: Sequence[Parameter], batch: int) -> Generator[Result]:
        """Fetch from a cursor on the server, in a transaction of its own unless one is open."""
        adapted = [to_postgresql(value) for value in values]
        alone = self._is_idle()
        with self._errors(QueryFailed):
            if alone:
                self._connection.execute("BEGIN READ ONLY")
            cursor = psycopg.RawServerCursor(self._connection, f"opskit_{next(self._cursor_numbers)}")
        try:
            with self._errors(QueryFailed):
                cursor.execute(query.text.encode(), adapted or None)
                columns = _columns(cursor)
            while True:
                with self._errors(QueryFailed):
                    records = cursor.fetchmany(batch)
                if not records:
                    return
                yield Result(columns, cast("Sequence[Record]", records), _NO_OUTCOME)
        finally:
            with suppress(psycopg.Error):
                cursor.close()
                if alone:
                    self._connection.execute("ROLLBACK")

    def control(self, command: str) -> None:
        """Begin, end or mark a transaction."""
        with self._errors(TransactionFailed):
            self._connection.execute(command.encode())

    def interrupt(self) -> None:
        """Ask the server to stop the running statement; when it cannot be asked, that statement fails too."""
        with suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def cache_counts(self) -> tuple[int, int]:
        """Blocks of this database found in shared buffers, and blocks asked for, by its statistics."""
        with self._errors(QueryFailed):
            row = self._connection.execute(
                b"SELECT blks_hit, blks_hit + blks_read FROM pg_catalog.pg_stat_database"
                b" WHERE datname = pg_catalog.current_database()"
            ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def alive(self) -> bool:
        """An idle connection has nothing to read, unless the server said goodbye or vanished."""
        if self._connection.closed:
            return False
        readable, _, _ = select([self._connection.fileno()], [], [], 0)
        if not readable:
            return True
        try:
            self._connection.execute(b"")  # a notice or a notification is no goodbye
        except psycopg.Error:
            return False
        return True

    def reset(self) -> bool:
        """Roll back what was left open."""
        with suppress(psycopg.Error):
            if not self._is_idle():
                self._connection.execute(b"ROLLBACK")
        return not self._stale and self._is_idle()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _execute(
        self, cursor: psycopg.Cursor[TupleRow], text: str, adapted: Sequence[object], *, prepare: bool
    ) -> None:
        """A prepared statement whose table has changed fails; alone it can run again, unprepared.

        The session then is stale: its other prepared statements may have gone bad as well.
        """
        try:
            cursor.execute(text.encode(), adapted or None, prepare=prepare)
        except psycopg.errors.FeatureNotSupported:
            self._stale = prepare
            if not (prepare and self._is_idle()):
                raise
            cursor.execute(text.encode(), adapted or None, prepare=False)

    def _is_idle(self) -> bool:
        return self._connection.pgconn.transaction_status == TransactionStatus.IDLE

    def _insert(self, query: Query, adapted: Sequence[object], column: str, *, prepare: bool) -> Result:
        """Insert, and learn the last new key; a row that ON CONFLICT updated has an xmax and is not new."""
        text = f"{query.text}\nRETURNING {column}, xmax = 0"
        with self._connection.cursor() as cursor:
            self._execute(cursor, text, adapted, prepare=prepare)
            records = cursor.fetchall()
            changes = cursor.rowcount
        keys = [int(key) for key, inserted in records if inserted]
        return Result((), (), ExecuteResult(changes, keys[-1] if keys else None))

    def _generated_key(self, query: Query) -> str | None:
        table = ".".join(query.inserts_into)
        if table not in self._server.keys:
            with self._connection.cursor() as cursor:
                row = cursor.execute(_GENERATED_KEY, [table]).fetchone()
            self._server.keys[table] = str(row[0]) if row else None
        return self._server.keys[table]

    def _changes(self, cursor: psycopg.Cursor[TupleRow]) -> int:
        verb = (cursor.statusmessage or "").split(" ")[0]
        if verb in _SCHEMA_VERBS:
            self._server.keys.clear()
        return cursor.rowcount if verb in _ROWS_CHANGED else 0

    @contextmanager
    def _errors(self, kind: type[DatabaseError]) -> Generator[None]:
        """psycopg's errors as ours."""
        try:
            yield
        except psycopg.Error as error:
            if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
                self._server.keys.clear()
            raise translated(error, self._server.name, kind, lost=self._connection.broken) from error
        except UnicodeError as error:
            message = f"{self._server.name}: text that is not UTF-8"
            raise QueryFailed.of("text_encoding", message, where=self._server.name) from error


def _connect(server: _Server) -> psycopg.Connection[TupleRow]:
    """Raises outside of the handler: libpq's own error, which may quote parameters, is not kept."""
    try:
        return _open(server)
    except psycopg.Error as error:
        failure = refused(error, server.name, server.parameters)
    raise failure


def _open(server: _Server) -> psycopg.Connection[TupleRow]:
    connection = psycopg.connect(
        make_conninfo("", **server.parameters),
        autocommit=True,
        prepare_threshold=_NEVER,
        cursor_factory=psycopg.RawCursor,
    )
    try:
        register_loaders(connection)
        connection.execute(
            b"SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false),"
            b" set_config('statement_timeout', $1, false)",
            [f"{round(server.statement_timeout_seconds * 1000)}ms"],
        )
    except psycopg.Error:
        connection.close()
        raise
    return connection


def _result(cursor: psycopg.Cursor[TupleRow], outcome: ExecuteResult) -> Result:
    """The last result: several statements leave several."""
    while cursor.nextset():
        pass
    if cursor.description is None:
        return Result((), (), outcome)
    return Result(_columns(cursor), cast("Sequence[Record]", cursor.fetchall()), outcome)


def _columns(cursor: psycopg.Cursor[TupleRow]) -> tuple[str, ...]:
    return tuple(column.name for column in cursor.description or ())
