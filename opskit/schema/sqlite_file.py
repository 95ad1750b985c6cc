"""SQLite files as a reader sees them: opened without writing, rows typed, failures named.

The one gateway to apsw for everything that reads rows. An application's own file is not opened here:
`sqlite_source` copies it.
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
        self, name: str, function: Callable[..., Value], numargs: int, /, *, deterministic: bool
    ) -> None: ...


def create_function(
    connection: apsw.Connection, name: str, function: Callable[..., Value], arguments: int = 1
) -> None:
    """Makes a deterministic function available to the connection's SQL."""
    cast("_Registers", connection).create_scalar_function(name, function, arguments, deterministic=True)


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
    """A connection that cannot change the file, for a file that nobody else uses.

    Raises:
        Refused: the file is missing, no database, damaged, encrypted or locked.
    """
    address = f"file:{percent(str(existing(path)))}?mode=ro"
    try:
        connection = apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    except apsw.Error as error:
        raise refusal(path, error) from error
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT)
        connection.collation_needed(stand_in)
        scalar(connection, "SELECT count(*) FROM sqlite_schema")
    except apsw.Error as error:
        connection.close()
        raise refusal(path, error) from error
    return connection


def stand_in(connection: apsw.Connection, collation: str) -> None:
    """An application's own collation, whose code is not here: rows can still be read and told apart.

    For `collation_needed`.
    """
    connection.create_collation(collation, lambda one, other: (one > other) - (one < other))


def existing(path: Path) -> Path:
    """The path as SQLite understands it, without symbolic links: companions stand beside the file itself.

    Raises:
        Refused: there is no such file.
    """
    hint = "check the path"
    try:
        resolved = path.resolve(strict=True)
        what = "" if resolved.is_file() else "is not a file"
        str(resolved).encode()
    except FileNotFoundError:
        resolved, what = path, "does not exist"
    except UnicodeEncodeError:
        resolved, what = path, "has a name that is not UTF-8"
        hint = "give the file or its directory another name"
    except (OSError, RuntimeError) as error:  # a directory that may not be searched, a loop of links
        resolved, what = path, f"cannot be reached: {error}"
    if what:
        name = str(path).encode(errors="backslashreplace").decode()
        raise Refused.of("sqlite_missing", f"the SQLite file {name} {what}", hint=hint, where=name)
    return resolved


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
            "find the holder with `fuser FILE` and let it finish, or stop it, then run again",
        )
    return (
        "sqlite_unreadable",
        f"cannot be read: {error}",
        "check that this user may read the file, its directory, and the -wal and -shm beside it",
    )
