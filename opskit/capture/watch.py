"""The watch over an application's SQLite file: begun, renewed where tables changed, read, ended."""

import secrets
from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import apsw

from opskit.capture.sqlite_side import transaction
from opskit.capture.triggers import (
    Watched,
    installed,
    note_whole,
    removed,
    triggers,
    watched,
    watched_as,
    whole,
    width,
)
from opskit.errors import Refused
from opskit.schema.model import Schema, Table
from opskit.schema.names import quote
from opskit.schema.own import CHANGES, WATCH, is_own
from opskit.schema.sqlite_file import BUSY_TIMEOUT, existing, refusal, rows, scalar, stand_in
from opskit.schema.sqlite_reader import read_schema
from opskit.transfer.functions import register

_NUMBERS = 2**52
"""Among so many, two watches hardly begin with the same number."""

_AT_ONCE = 2000
"""Notes that are removed in one transaction, for which writers wait."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What the notes say has changed.

    Attributes:
        last: the number of the last note.
        changes: how many notes there are.
        rows: numbers of tables of which single rows are noted; `tables`: of which all rows are.
    """

    last: int
    changes: int
    rows: frozenset[int]
    tables: frozenset[int]


@contextmanager
def open_watched(file: Path) -> Generator[apsw.Connection]:
    """The application's own file, open as the application opens it.

    Raises:
        Refused: the file is missing, or an error of SQLite's in the block.
    """
    path = existing(file)
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(BUSY_TIMEOUT)
            connection.collation_needed(stand_in)
            register(connection)
            yield connection
        finally:
            connection.close()
    except apsw.Error as error:
        raise refusal(path, error) from error


@contextmanager
def reading(connection: apsw.Connection) -> Generator[None]:
    """All that is read inside is of one moment; in WAL mode writers go on, otherwise they wait."""
    rows(connection, "BEGIN")
    try:
        scalar(connection, "SELECT count(*) FROM sqlite_schema")  # the moment is that of the first read
        yield
    finally:
        if connection.in_transaction:
            rows(connection, "ROLLBACK")


def begin_watch(file: Path) -> None:
    """Begins a watch over all tables, in one transaction; one that was there before is over.

    Raises:
        Refused: the file cannot be written, or holds a table of the application's by our name.
    """
    with open_watched(file) as connection, transaction(connection):
        _end(connection)
        if rows(connection, "SELECT 1 FROM sqlite_schema WHERE name = ?", (CHANGES,)):
            raise Refused.of(
                "name_taken",
                f"the SQLite file {file} holds a table {CHANGES} of the application's",
                hint="rename it, or migrate without --follow",
                where=CHANGES,
            )
        tables = watched(watchable(read_schema(connection)))
        for statement in installed(tables, 1 + secrets.randbelow(_NUMBERS)):
            rows(connection, statement)


def end_watch(file: Path) -> None:
    """Ends the watch and leaves nothing of it; nothing is done where there is none.

    Raises:
        Refused: the file cannot be written.
    """
    with open_watched(file) as connection, transaction(connection):
        _end(connection)


def last_note(connection: apsw.Connection) -> int | None:
    """The number of the last note, None in a file that is not watched.

    Raises:
        apsw.Error: the file cannot be read.
    """
    if not is_watched(connection):
        return None
    return cast("int | None", scalar(connection, f"SELECT max(number) FROM {CHANGES}"))


def has_note(connection: apsw.Connection, number: int) -> bool:
    """Is a note there? One that has been passed on stays until a later one has: so a watch is known again.

    Raises:
        apsw.Error: the file cannot be read.
    """
    return is_watched(connection) and bool(
        rows(connection, f"SELECT 1 FROM {CHANGES} WHERE number = ?", (number,))
    )


def noted(connection: apsw.Connection, done: int) -> Noted:
    """What the notes behind one say.

    Raises:
        apsw.Error: the file cannot be read.
    """
    last, changes = cast(
        "tuple[int, int]",
        rows(connection, f"SELECT max(number), count(*) - 1 FROM {CHANGES} WHERE number >= ?", (done,))[0],
    )
    found = rows(connection, f"SELECT DISTINCT relation FROM {CHANGES} WHERE number > ?", (done,))
    relations = [cast("int", number) for (number,) in found]
    return Noted(
        last,
        changes,
        frozenset(one for one in relations if one >= 0),
        frozenset(whole(one) for one in relations if whole(one) >= 0),
    )


def forget_notes(connection: apsw.Connection, done: int) -> None:
    """Removes notes that have been passed on, all but the last: numbers must not begin anew.

    Raises:
        apsw.Error: the file cannot be written.
    """
    remove = (
        f"DELETE FROM {CHANGES} WHERE number IN"
        f" (SELECT number FROM {CHANGES} WHERE number < ? ORDER BY number LIMIT {_AT_ONCE})"
    )
    removing = True
    while removing:
        with transaction(connection):
            rows(connection, remove, (done,))
            removing = connection.changes() == _AT_ONCE


def watchable(schema: Schema) -> tuple[Table, ...]:
    """The tables that can have triggers: virtual ones cannot."""
    virtual = {one.name for one in schema.virtual_tables}
    return tuple(table for table in schema.tables if table.name not in virtual)


def watching(connection: apsw.Connection, schema: Schema) -> Mapping[str, Watched] | None:
    """Table → how it is watched; None when some table is not watched as it should be.

    Raises:
        apsw.Error: the file cannot be read.
    """
    standing = _standing(connection)
    found: dict[str, Watched] = {}
    for table in watchable(schema):
        number = _number(table, standing)
        if number is None or triggers(watched_as(number, table)) != standing.get(table.name):
            return None
        found[table.name] = watched_as(number, table)
    return found


def renew(connection: apsw.Connection, schema: Schema) -> None:
    """Watches tables that are new or have other indexes, and notes that any of their rows may have changed.

    Inside a transaction of the file.

    Raises:
        apsw.Error: the file cannot be written.
    """
    standing = _standing(connection)
    following = 1 + max((_number_of(name) for names in standing.values() for name in names), default=-1)
    for table in watchable(schema):
        number, found = _number(table, standing), standing.get(table.name, {})
        if number is None:
            number, following = following, following + 1
        one = watched_as(number, table)
        if triggers(one) != found:
            _widen(connection, width([one]))
            drops = (f"DROP TRIGGER {quote(name)}" for name in found)
            for statement in (*drops, *triggers(one).values(), note_whole(number)):
                rows(connection, statement)


def note_news(connection: apsw.Connection, schema: Schema, names: Container[str]) -> None:
    """Watches tables that are new, and notes that any row of the named ones may have changed.

    Inside a transaction of the file.

    Raises:
        apsw.Error: the file cannot be written.
    """
    renew(connection, schema)
    for name, one in (watching(connection, schema) or {}).items():
        if name in names:
            rows(connection, note_whole(one.number))


def _end(connection: apsw.Connection) -> None:
    names = [name for names in _standing(connection).values() for name in names]
    for statement in removed(names, table=is_watched(connection)):
        rows(connection, statement)


def is_watched(connection: apsw.Connection) -> bool:
    """Does a watch stand over the file?

    Raises:
        apsw.Error: the file cannot be read.
    """
    found = rows(connection, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (CHANGES,))
    return any(is_own("table", CHANGES, str(text)) for (text,) in found)


def _standing(connection: apsw.Connection) -> Mapping[str, Mapping[str, str]]:
    """Table → name of a trigger of ours → its text."""
    found: dict[str, dict[str, str]] = {}
    query = "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'trigger'"
    for table, name, text in cast("list[tuple[str, str, str]]", rows(connection, query)):
        if name.startswith(WATCH):
            found.setdefault(table, {})[name] = text
    return found


def _number(table: Table, standing: Mapping[str, Mapping[str, str]]) -> int | None:
    numbers: Sequence[int] = [_number_of(name) for name in standing.get(table.name, ())]
    return min(numbers, default=None)


def _number_of(trigger: str) -> int:
    return int(trigger.removeprefix(WATCH).partition("_")[0])


def _widen(connection: apsw.Connection, wanted: int) -> None:
    """Makes room in the notes for an address of so many values."""
    for name in _missing_columns(connection, wanted):
        rows(connection, f"ALTER TABLE {CHANGES} ADD COLUMN {name}")


def _missing_columns(connection: apsw.Connection, wanted: int) -> Iterator[str]:
    there = {str(name) for (name,) in rows(connection, f"SELECT name FROM pragma_table_info('{CHANGES}')")}
    return (name for name in (f"k{position}" for position in range(wanted)) if name not in there)
