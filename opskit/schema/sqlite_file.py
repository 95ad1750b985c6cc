"""SQLite files as a reader sees them: opened without writing, rows typed, failures named.

The one gateway to apsw for everything that reads a source. The backup is the only other user.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import quote as percent

import apsw

from opskit.errors import Refused

Value = None | int | float | str | bytes
Row = tuple[Value, ...]

BUSY_TIMEOUT = 5000
"""Milliseconds to wait for a writer; the application's own setting (3000 to 5000)."""


class Cursor(Protocol):
    """What opskit uses of apsw.Cursor, fully typed (apsw's own stubs leave the values partly unknown)."""

    def fetchall(self) -> list[Row]:
        """The remaining rows."""
        ...

    def __iter__(self) -> "Cursor": ...

    def __next__(self) -> Row: ...


class _Executes(Protocol):
    def execute(self, statements: str, bindings: Sequence[Value] | None = None) -> Cursor: ...


class _Registers(Protocol):
    def create_scalar_function(
        self, name: str, function: Callable[[Value], Value], numargs: int, /, *, deterministic: bool
    ) -> None: ...


def create_function(connection: apsw.Connection, name: str, function: Callable[[Value], Value]) -> None:
    """Makes a deterministic function of one argument available to the connection's SQL."""
    cast("_Registers", connection).create_scalar_function(name, function, 1, deterministic=True)


def cursor(connection: apsw.Connection, sql: str, bindings: Sequence[Value] | None = None) -> Cursor:
    """Executes a statement and returns its cursor, to be iterated."""
    return cast("_Executes", connection).execute(sql, bindings)


def rows(connection: apsw.Connection, sql: str, bindings: Sequence[Value] | None = None) -> list[Row]:
    """All rows of a statement."""
    return cursor(connection, sql, bindings).fetchall()


def scalar(connection: apsw.Connection, sql: str, bindings: Sequence[Value] | None = None) -> Value:
    """The first column of the first row.

    Raises:
        IndexError: the statement returned no row.
    """
    return rows(connection, sql, bindings)[0][0]


def open_read_only(path: Path) -> apsw.Connection:
    """A connection that can change neither the file nor its WAL.

    Raises:
        Refused: the file is missing, no database, damaged, encrypted or locked.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise Refused.of(
            "sqlite_missing", f"the SQLite file {path} {what}", hint="check the path", where=str(path)
        )
    try:
        connection = apsw.Connection(
            f"file:{percent(str(path.resolve()))}?mode=ro",
            flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
        )
        connection.set_busy_timeout(BUSY_TIMEOUT)
        # The last reader of a WAL database would otherwise checkpoint and delete the application's WAL.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        scalar(connection, "SELECT count(*) FROM sqlite_schema")
    except apsw.Error as error:
        raise refusal(path, error) from error
    return connection


def refusal(path: Path, error: apsw.Error) -> Refused:
    """What a failure to read means for the operator."""
    code, message, hint = _explain(error)
    return Refused.of(code, f"the SQLite file {path} {message}", hint=hint, where=str(path))


def _explain(error: apsw.Error) -> tuple[str, str, str]:
    if isinstance(error, apsw.NotADBError):
        return (
            "sqlite_not_a_database",
            "is not a SQLite database, or it is encrypted",
            "check the path; decrypt it first",
        )
    if isinstance(error, apsw.CorruptError):
        return (
            "sqlite_corrupt",
            f"is corrupt: {error}",
            "restore it from a backup, or recover it with `sqlite3 FILE .recover` and migrate the result",
        )
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return (
            "sqlite_locked",
            f"is locked by another process (waited {BUSY_TIMEOUT // 1000} s)",
            "find the holder with `fuser FILE` and let it finish, then run again",
        )
    return (
        "sqlite_unreadable",
        f"cannot be read: {error}",
        "check permissions of the file and of its directory",
    )
