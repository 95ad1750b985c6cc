"""Both sides' schemas side by side, the file's brought up to PostgreSQL's where tables or columns are new."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import cast

import apsw
from psycopg import sql

from opskit.capture.counterpart import Counterpart, counterparts, new_columns, new_tables, without
from opskit.capture.derived import add_column, create_table
from opskit.capture.search import SearchIndex, search_indexes
from opskit.schema.matching import Matching, match
from opskit.schema.model import Schema
from opskit.schema.names import map_names, quote
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.sqlite_file import rows, scalar
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.target_schema import PgSequence, TargetSchema
from opskit.standby.habits_table import habits_of
from opskit.standby.place_table import application_schema
from opskit.standby.window import Window
from opskit.transfer.rejects import find_lines
from opskit.transfer.target import Connection

_FINGERPRINTS = (files("opskit.capture") / "sql" / "fingerprints.sql").read_bytes()


@dataclass(frozen=True, slots=True)
class Pairs:
    """What belongs together.

    Attributes:
        fingerprints: what each of PostgreSQL's tables is like, empty for one that may not be read; when they
            are others, all this is out of date.
        generators: table → the sequence that gives out its keys, for tables that never reuse one.
        problems: what cannot come back, a sentence each.
    """

    fingerprints: Mapping[str, str]
    tables: tuple[Counterpart, ...]
    indexes: tuple[SearchIndex, ...]
    generators: Mapping[str, PgSequence]
    problems: tuple[str, ...]


def read_fingerprints(snapshot: Connection, schema: str) -> Mapping[str, str]:
    """What each table of a schema is like, in one word; an empty one for a table that may not be read.

    Raises:
        psycopg.Error: the server went away.
    """
    found = snapshot.execute(_FINGERPRINTS, (schema,)).fetchall()
    return {str(name): str(word) for name, word in found}


def pair(
    file: apsw.Connection, snapshot: Connection, window: Window, fingerprints: Mapping[str, str]
) -> Pairs:
    """Pairs both sides; makes tables and columns in the file that only PostgreSQL has.

    Inside a transaction of the file.

    Raises:
        apsw.Error: the file cannot be read or written.
        psycopg.Error: the server refused or went away.
    """
    target = read_target_schema(snapshot, window.schema)
    hidden = frozenset(name for name, word in fingerprints.items() if not word)
    problems = [f"table {name} may not be read by the role that follows" for name in sorted(hidden)]
    problems += _made(file, _match(file, target, window), target, hidden)
    matching = _match(file, target, window)
    written = habits_of(file, matching, window.overrides)
    tables = counterparts(matching, target, written.habits, written.units)
    return Pairs(
        fingerprints,
        tuple(_with_refused(file, snapshot, one) for one in tables if one.target.name not in hidden),
        tuple(search_indexes(_schema(file))),
        _generators(matching),
        (*problems, *_homeless(file, matching)),
    )


def _schema(file: apsw.Connection) -> Schema:
    return application_schema(read_schema(file))


def _match(file: apsw.Connection, target: TargetSchema, window: Window) -> Matching:
    source = _schema(file)
    return match(source, target, map_names(source, fold=window.fold))


def _made(
    file: apsw.Connection, matching: Matching, target: TargetSchema, hidden: Container[str]
) -> Iterator[str]:
    """Makes what is new; yields what cannot be made."""
    for table in (one for one in new_tables(matching, target) if one.name not in hidden):
        yield from _execute(file, f"table {table.name}", *create_table(table))
    for table, column in new_columns(matching):
        what = f"column {column.source} of table {table.name}"
        yield from _execute(file, what, add_column(table.name, column.target))


def _execute(file: apsw.Connection, what: str, *statements: str) -> Iterator[str]:
    try:
        for statement in statements:
            rows(file, statement)
    except apsw.SQLError as error:
        yield f"{what} is new in PostgreSQL and cannot be made in SQLite: {error}"


def _homeless(file: apsw.Connection, matching: Matching) -> Iterator[str]:
    """What the file holds and PostgreSQL has no place for (any more)."""
    for name in matching.homeless:
        if scalar(file, f"SELECT EXISTS (SELECT 1 FROM {quote(name)})"):
            yield f"table {name} is not in PostgreSQL"
    for table in matching.tables:
        for name in table.homeless:
            holds = f"SELECT 1 FROM {quote(table.source.name)} WHERE {quote(name)} IS NOT NULL"
            if scalar(file, f"SELECT EXISTS ({holds})"):
                yield f"column {name} of table {table.source.name} is not in PostgreSQL"


def _generators(matching: Matching) -> Mapping[str, PgSequence]:
    found: dict[str, PgSequence] = {}
    for table in matching.tables:
        if table.source.autoincrement:
            for column in table.columns:
                sequence = column.target.sequence
                if column.source == table.source.rowid_alias and sequence and sequence.last_value is not None:
                    found[table.source.name] = sequence
    return found


def _with_refused(file: apsw.Connection, snapshot: Connection, table: Counterpart) -> Counterpart:
    """Knowing the rows that the server had refused when they were migrated, though their values fit."""
    if table.rejects is None:
        return table
    statement = sql.SQL("SELECT key FROM {}").format(sql.Identifier(table.target.schema, table.rejects))
    keys = frozenset(str(key) for (key,) in snapshot.execute(statement).fetchall())
    if not keys:
        return table
    key = table.model.primary_key
    escaped = replace(table.source, escaped=True)
    return without(table, frozenset(line for _, line in find_lines(file, escaped, key, keys, escaped)))


def set_generators(file: apsw.Connection, snapshot: Connection, generators: Mapping[str, PgSequence]) -> None:
    """Sees to it that keys that PostgreSQL has given out are not given out again.

    Raises:
        apsw.Error: the file cannot be written.
        psycopg.Error: the server refused or went away.
    """
    for table, sequence in generators.items():
        place = sql.Identifier(sequence.schema, sequence.name)
        statement = sql.SQL("SELECT last_value FROM {} WHERE is_called").format(place)
        row = snapshot.execute(statement).fetchone()
        if row is not None:
            last = cast("int", row[0])
            rows(file, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))
            if not file.changes():
                rows(file, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
