"""The fence of a SQLite file: triggers that refuse every change, in sessions that are open too.

They stay through restarts and crashes, and tell whoever writes where the data is now. What no trigger sees
remains possible: making and dropping tables, and writing to virtual tables (FTS5) that have no other source.
(Triggers on the tables in which those keep their data do refuse; but a writer that then goes on with its
transaction commits an index that is malformed, and triggers on several of them crash SQLite.)
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote as percent

import apsw

from opskit.capture.sqlite_side import transaction
from opskit.errors import QueryFailed
from opskit.schema.full_text import read_full_text
from opskit.schema.names import quote
from opskit.schema.own import FENCE
from opskit.schema.sqlite_file import BUSY_TIMEOUT, existing, rows, stand_in
from opskit.schema.sqlite_reader import read_schema

T = TypeVar("T")

CHANGES = ("INSERT", "UPDATE", "DELETE")

_JUST_OPENED = (apsw.BusyError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.CorruptError)
"""What a file looks like while an application is just opening it."""

_PAUSE = 0.02

_TABLES = """
SELECT l.name FROM pragma_table_list AS l
WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND l.name NOT LIKE 'opskit\\_%' ESCAPE '\\'
ORDER BY l.name
"""
_TRIGGERS = "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"


@dataclass(frozen=True, slots=True)
class SqliteFence:
    """The fence as it stands in a file.

    Attributes:
        says: what a writer is told.
        gaps: tables that can be written all the same, because they came later.
    """

    says: str
    gaps: tuple[str, ...] = ()


def raised(tables: Sequence[str], says: str) -> Iterator[str]:
    """The statements that fence some tables, to be executed in one transaction."""
    refusal = f"SELECT RAISE(ABORT, {_literal(says)})"
    for number, table in enumerate(tables):
        for change in CHANGES:
            name = f"{FENCE}{number}_{change.lower()}"
            yield f"CREATE TRIGGER {quote(name)} BEFORE {change} ON {quote(table)} BEGIN {refusal}; END"


def lowered(triggers: Iterable[str]) -> Iterator[str]:
    """The statements that take the fence away, given the names of all triggers."""
    yield from (f"DROP TRIGGER {quote(name)}" for name in triggers if name.startswith(FENCE))


def fence(file: Path, says: str) -> None:
    """Refuses all changes of the file's tables from now on; a fence that has gaps is made anew.

    Raises:
        QueryFailed: the file cannot be changed.
        Refused: there is no such file.
    """
    with opened(file) as connection, transaction(connection):
        for statement in (*lowered(_triggers(connection)), *raised(_tables(connection), says)):
            rows(connection, statement)


def unfence(file: Path) -> None:
    """Takes the fence away.

    Raises:
        QueryFailed: the file cannot be changed.
        Refused: there is no such file.
    """
    with opened(file) as connection, transaction(connection):
        for statement in lowered(_triggers(connection)):
            rows(connection, statement)


def read_fence(file: Path) -> SqliteFence | None:
    """The fence; None when the file's tables can be written. Leaves no trace beside the file.

    Raises:
        QueryFailed: the file cannot be read.
        Refused: there is no such file.
    """
    return look(file, _fence)


def unfenceable(file: Path) -> tuple[str, ...]:
    """The tables that can be written in spite of a fence: virtual ones, unless they show the text of another.

    Raises:
        QueryFailed: the file cannot be read.
        Refused: there is no such file.
    """
    virtual = look(file, read_schema).virtual_tables
    found = ((one, read_full_text(one)) for one in virtual)
    return tuple(one.name for one, text in found if text is None or not text.content)


def look(file: Path, read: Callable[[apsw.Connection], T]) -> T:
    """Reads an application's file, and leaves no trace beside it.

    Raises:
        QueryFailed: the file cannot be read.
        Refused: there is no such file.
    """
    path = existing(file)
    until = time.monotonic() + BUSY_TIMEOUT / 1000
    with _failing(file):
        while True:
            try:
                with _glance(path) as connection:
                    return read(connection)
            except _JUST_OPENED:
                if time.monotonic() > until:
                    raise
            time.sleep(_PAUSE)


def _fence(connection: apsw.Connection) -> SqliteFence | None:
    found = [
        (str(table), str(sql))
        for name, table, sql in rows(connection, _TRIGGERS)
        if str(name).startswith(FENCE)
    ]
    if not found:
        return None
    shut = [table for table, _ in found]
    gaps = tuple(one for one in _tables(connection) if shut.count(one) < len(CHANGES))
    return SqliteFence(_said(found[0][1]), gaps)


@contextmanager
def opened(file: Path) -> Generator[apsw.Connection]:
    """A connection to an application's file, to change it; what is committed is on the disk.

    Raises:
        QueryFailed: SQLite refused, in the block too.
        Refused: there is no such file.
    """
    path = existing(file)
    with _failing(file):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(BUSY_TIMEOUT)
            connection.collation_needed(stand_in)
            rows(connection, "PRAGMA synchronous = EXTRA")
            yield connection
        finally:
            connection.close()


@contextmanager
def _failing(file: Path) -> Generator[None]:
    try:
        yield
    except apsw.Error as error:
        hint = "see who holds it: opskit doctor"
        raise QueryFailed.of("sqlite_failed", f"{file}: {error}", hint=hint, where=str(file)) from error


@contextmanager
def _glance(path: Path) -> Generator[apsw.Connection]:
    """A reader that makes nothing beside the file where SQLite can do without; see doctor's look."""
    wal, shm = (path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))
    manner = "&readonly_shm=1" if wal and shm else "" if wal else "&immutable=1"
    connection = apsw.Connection(
        f"file:{percent(str(path))}?mode=ro{manner}",
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
    )
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        yield connection
    finally:
        connection.close()


def _tables(connection: apsw.Connection) -> list[str]:
    return [str(name) for (name,) in rows(connection, _TABLES)]


def _triggers(connection: apsw.Connection) -> list[str]:
    return [str(name) for name, _, _ in rows(connection, _TRIGGERS)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _said(trigger: str) -> str:
    text = trigger.partition("RAISE(ABORT, '")[2].rpartition("')")[0]
    return text.replace("''", "'")
