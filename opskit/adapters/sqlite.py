"""SQLite through apsw.

Connections are opened in WAL mode: readers work in parallel, one writer at a time. Writers of one process
queue on a lock of ours, in turn; those of other processes meet in SQLite's busy handler, which polls.
"""

import math
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import cast

import apsw

from opskit.adapters.adapter import Adapter, Limits
from opskit.adapters.api import ExecuteResult, Parameter
from opskit.adapters.dialect import Query
from opskit.adapters.rows import Record
from opskit.adapters.session import Result
from opskit.adapters.sqlite_errors import translated
from opskit.adapters.sqlite_records import Cursor, Executes, description
from opskit.adapters.values import to_sqlite
from opskit.config import Engine
from opskit.errors import ConnectionFailed, DatabaseError, QueryFailed, TransactionFailed

_ROWID_ALIAS = (Path(__file__).parent / "sql/rowid_alias.sql").read_text(encoding="utf-8")
_NO_OUTCOME = ExecuteResult(0)
_STEPS_BETWEEN_LOOKS = 10_000
"""Instructions of SQLite's machine between two looks at the clock: about a tenth of a millisecond."""


def open_sqlite(
    path: Path,
    *,
    name: str = "sqlite",
    limits: Limits | None = None,
    busy_timeout_seconds: float = 5.0,
    create: bool = False,
) -> Adapter:
    """The SQLite database in `path`.

    Args:
        name: what messages and metrics call it.
        busy_timeout_seconds: how long a writer waits for another one.
        create: make the file if it does not exist; without it a missing file is a ConnectionFailed.
    """
    limits = limits or Limits()
    file = _File(path.absolute(), busy_timeout_seconds, limits.statement_timeout_seconds, create)
    return Adapter(name, Engine.SQLITE, lambda: SqliteSession(file), limits)


@dataclass
class _File:
    """What the sessions of one database share."""

    path: Path
    busy_timeout_seconds: float
    statement_timeout_seconds: float
    create: bool
    writer: threading.Lock = field(default_factory=threading.Lock)
    hits: int = 0
    reads: int = 0


class SqliteSession:
    """One SQLite connection; satisfies `Session`."""

    begin = "BEGIN IMMEDIATE"

    def __init__(self, file: _File) -> None:
        self._file = file
        self._writing = False
        with _errors(file.path, ConnectionFailed):
            self._connection = _connect(file)
        self._sql = cast("Executes", self._connection)
        self._identity = _identity(file.path)
        self._deadline = math.inf
        if file.statement_timeout_seconds:
            self._connection.set_progress_handler(self._is_late, _STEPS_BETWEEN_LOOKS)

    def run(self, query: Query, values: Sequence[Parameter], *, prepare: bool, key: bool) -> Result:
        """Run a statement to its end; SQLite keeps statements prepared by itself, asked or not."""
        del prepare
        stored = [to_sqlite(value) for value in values]
        with self._errors_in_time(), self._turn(query):
            if query.several and self._connection.get_autocommit():
                return self._script(query)
            if key and query.inserts_into:
                self._connection.set_last_insert_rowid(0)
            columns, records = self._rows(self._sql.execute(query.text, stored))
            return Result(columns, records, self._outcome(query, key=key))

    def run_many(self, query: Query, rows: Iterable[Sequence[Parameter]]) -> int:
        """Run a statement once for each row."""
        changes = 0
        with self._errors_in_time():
            for values in rows:
                stored = [to_sqlite(value) for value in values]
                _exhaust(self._sql.execute(query.text, stored))
                changes += self._changes(query)
        return changes

    def stream(self, query: Query, values: Sequence[Parameter], batch: int) -> Generator[Result]:
        """Step through the rows; the connection reads from one snapshot until the end."""
        stored = [to_sqlite(value) for value in values]
        cursor = self._sql.cursor()
        try:
            with self._errors_in_time():
                cursor.execute(query.text, stored)
                columns, decode = description(cursor)
            rows = iter(cursor)
            while True:
                with self._errors_in_time():
                    records = [decode(record) for record in islice(rows, batch)]
                if not records:
                    return
                yield Result(columns, records, _NO_OUTCOME)
        finally:
            cursor.close(force=True)

    def control(self, command: str) -> None:
        """Begin, end or mark a transaction."""
        with _errors(self._file.path, TransactionFailed):
            if command == self.begin:
                self._take_turn()
            try:
                self._sql.execute(command)
            finally:
                self._end_turn()

    def interrupt(self) -> None:
        """Stop the running statement."""
        with suppress(apsw.ConnectionClosedError):
            self._connection.interrupt()

    def cache_counts(self) -> tuple[int, int]:
        """The page caches' hits and reads of all connections of this database so far."""
        self._collect_cache_counts()
        return self._file.hits, self._file.reads

    def alive(self) -> bool:
        """False when another file stands at the path now: after a restore, or when it was moved away."""
        return _identity(self._file.path) == self._identity

    def reset(self) -> bool:
        """Roll back what was left open."""
        with suppress(apsw.Error):
            if self._connection.in_transaction:
                self._sql.execute("ROLLBACK")
        self._end_turn()
        self._collect_cache_counts()
        return bool(self._connection.get_autocommit())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close(True)

    @contextmanager
    def _errors_in_time(self) -> Generator[None]:
        if self._file.statement_timeout_seconds:
            self._deadline = time.monotonic() + self._file.statement_timeout_seconds
        try:
            with _errors(self._file.path, QueryFailed):
                yield
        finally:
            self._deadline = math.inf

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline

    def _script(self, query: Query) -> Result:
        """Several statements are one transaction, as they are on PostgreSQL."""
        with self._connection:
            _exhaust(self._sql.execute(query.text))
        return Result((), (), _NO_OUTCOME)

    def _rows(self, cursor: Cursor) -> tuple[tuple[str, ...], Sequence[Record]]:
        first = cursor.fetchone()
        if first is None:
            return (), ()
        columns, decode = description(cursor)
        return columns, [decode(first), *map(decode, cursor)]

    def _outcome(self, query: Query, *, key: bool) -> ExecuteResult:
        rowid = None
        if key and query.inserts_into and self._gives_keys(query.inserts_into):
            rowid = self._connection.last_insert_rowid() or None
        return ExecuteResult(self._changes(query), rowid)

    def _changes(self, query: Query) -> int:
        return self._connection.changes() if query.changes_rows else 0

    def _gives_keys(self, target: Sequence[str]) -> bool:
        table, *schema = (_unquoted(part) for part in reversed(target))
        return self._sql.execute(_ROWID_ALIAS, (table, schema[0] if schema else None)).fetchone() is not None

    @contextmanager
    def _turn(self, query: Query) -> Generator[None]:
        """Wait for this process's other writers, when the statement writes on its own."""
        if not query.writes or self._writing:
            yield
            return
        self._take_turn()
        try:
            yield
        finally:
            self._end_turn()

    def _take_turn(self) -> None:
        if not self._file.writer.acquire(timeout=self._file.busy_timeout_seconds):
            raise TransactionFailed.of(
                "database_busy",
                f"{self._file.path}: another transaction of this process is writing",
                hint="inside a transaction use the object that its block received; keep transactions short",
                where=str(self._file.path),
            )
        self._writing = True

    def _end_turn(self) -> None:
        """Let the next writer go on, unless a transaction is still open."""
        if self._writing and self._connection.get_autocommit():
            self._writing = False
            self._file.writer.release()

    def _collect_cache_counts(self) -> None:
        hits, _ = self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_HIT, True)
        misses, _ = self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_MISS, True)
        self._file.hits += hits
        self._file.reads += hits + misses


def _connect(file: _File) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if file.create else 0)
    if not file.create and not file.path.exists():
        raise ConnectionFailed.of(
            "sqlite_missing",
            f"there is no SQLite file {file.path}",
            hint="correct the path, or pass create=True to make a new database",
            where=str(file.path),
        )
    connection = apsw.Connection(str(file.path), flags=flags)
    connection.transaction_mode = "IMMEDIATE"  # of `with connection`, as in `begin`
    try:
        connection.set_busy_timeout(round(file.busy_timeout_seconds * 1000))
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            cast("Executes", connection).execute(f"PRAGMA {pragma}").fetchone()
    except apsw.Error:
        connection.close(True)
        raise
    return connection


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _exhaust(cursor: Cursor) -> None:
    """Step to the end: with RETURNING a statement has rows, and later statements of a script follow."""
    for _ in cursor:
        pass


def _unquoted(name: str) -> str:
    if name[0] in '"`':
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1] if name[0] == "[" else name


@contextmanager
def _errors(path: Path, kind: type[DatabaseError]) -> Generator[None]:
    """apsw's errors as ours."""
    try:
        yield
    except (apsw.Error, UnicodeError) as error:
        raise translated(error, path, kind) from error
