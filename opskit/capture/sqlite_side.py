"""The SQLite end of changes that come back: rows written as the application would have stored them."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

import apsw

from opskit.capture.counterpart import Counterpart
from opskit.capture.pgoutput import Key
from opskit.capture.restore import row_of
from opskit.schema.names import quote
from opskit.schema.sqlite_file import BUSY_TIMEOUT, Value, cursor, rows
from opskit.transfer.functions import register

_BUFFERED = 10_000
"""Keys that are held in memory; the rest stand in a temporary table, which SQLite keeps on disk."""


class _ExecutesMany(Protocol):
    def executemany(self, statements: str, sequence: Iterable[tuple[Value, ...]]) -> object: ...


def executemany(connection: apsw.Connection, sql: str, parameters: Iterable[tuple[Value, ...]]) -> None:
    """Executes a statement for each of some parameters (apsw's own stubs leave the values partly unknown)."""
    cast("_ExecutesMany", connection).executemany(sql, parameters)


def open_for_changes(file: Path) -> apsw.Connection:
    """A connection that stores rows as they are: no trigger fires, no foreign key or check refuses.

    PostgreSQL has already done what the application's rules say, and rows come in any order.

    Raises:
        apsw.Error: the file cannot be opened.
    """
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 0)
        for setting in (
            "journal_mode = WAL",
            "synchronous = FULL",  # the log is let go after a commit, which must then stay
            "wal_autocheckpoint = 4000",  # a page that changes again and again goes to the file itself once
            "ignore_check_constraints = ON",
            "temp_store = FILE",
            "cache_size = -8192",
        ):
            rows(connection, f"PRAGMA {setting}")
        register(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def savepoint(connection: apsw.Connection) -> Generator[None]:
    """All or nothing, inside a transaction."""
    rows(connection, "SAVEPOINT opskit")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            rows(connection, "ROLLBACK TO opskit; RELEASE opskit")
        raise
    rows(connection, "RELEASE opskit")


@contextmanager
def transaction(connection: apsw.Connection) -> Generator[None]:
    """All or nothing, beginning with the write lock."""
    rows(connection, "BEGIN IMMEDIATE")
    try:
        yield
        rows(connection, "COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have rolled back by themselves
            rows(connection, "ROLLBACK")
        raise


def insert_lines(file: apsw.Connection, table: Counterpart, lines: Iterable[bytes]) -> None:
    """Stores rows that are not there yet.

    Raises:
        apsw.ConstraintError: one of them, or one that is equal in a unique column, is there.
    """
    executemany(file, insertion(table), (row_of(line, table.columns) for line in lines))


def insertion(table: Counterpart) -> str:
    """The statement that stores a row, of the parameters for its line."""
    names = ", ".join(quote(column.name) for column in table.source.columns)
    values = ", ".join(column.sql.format(f"?{number}") for number, column in enumerate(table.columns, 1))
    # ABORT, whatever the table's own ON CONFLICT clauses say: a row must never take another's place
    return f"INSERT OR ABORT INTO {quote(table.name)} ({names}) VALUES ({values})"


class ChangedKeys:
    """The keys of one table's rows that changed, each once; false when there are none."""

    def __init__(self, file: apsw.Connection, table: Counterpart, number: int, what: str = "keys") -> None:
        self.table = table
        self.everything = False
        """The table was emptied: any row may have gone."""
        self._file = file
        self._number = number
        self._name = f"temp.opskit_{what}_{number}"
        self._names = [f"k{position}" for position in range(len(table.key))]
        self._buffer: set[Key] = set()
        self._is_made = False

    def __bool__(self) -> bool:
        return self.everything or self._is_made or bool(self._buffer)

    def add(self, keys: Iterable[Key]) -> None:
        """Notes that rows with these keys were written or removed."""
        self._buffer.update(keys)
        if len(self._buffer) >= _BUFFERED:
            self._flush()

    def others(self) -> "ChangedKeys":
        """None yet, of the same table."""
        return ChangedKeys(self._file, self.table, self._number, "other_keys")

    def batches(self, size: int) -> Iterator[list[Key]]:
        """All keys in their order, in which most tables stand on disk, as PostgreSQL prints them."""
        self._flush()
        names = ", ".join(self._names)
        found = cursor(self._file, f"SELECT {names} FROM {self._name} ORDER BY {names}")
        batch: list[Key] = []
        for row in found:
            batch.append(tuple(map(str, row)))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def condition(self) -> str:
        """The SQL that holds for rows of the table with these keys."""
        self._flush()
        columns = ", ".join(quote(one.source) for one in self.table.key)
        return f"({columns}) IN (SELECT {', '.join(self._names)} FROM {self._name})"

    def drop(self) -> None:
        """Lets the keys go."""
        rows(self._file, f"DROP TABLE IF EXISTS {self._name}")

    def _make(self) -> None:
        key = self.table.key
        types = (self.table.model.column(one.source).declared for one in key)
        # the column's own type, so that a key has the class that it has in the table
        columns = ", ".join(f"{name} {quote(kind)}" for name, kind in zip(self._names, types, strict=True))
        rows(self._file, f"CREATE TABLE {self._name} ({columns}, PRIMARY KEY ({', '.join(self._names)}))")
        self._is_made = True

    def _flush(self) -> None:
        if not self._is_made:
            self._make()
        if self._buffer:
            marks = ", ".join("?" * len(self._names))
            executemany(self._file, f"INSERT OR IGNORE INTO {self._name} VALUES ({marks})", self._buffer)
            self._buffer.clear()
