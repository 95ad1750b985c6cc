"""Reads from a SQLite file how an application writes what PostgreSQL has a type for.

The latest values tell, and where there are none, what the column's default gives; where that tells nothing,
the other columns of the database.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import apsw

from opskit.capture.restore import Habits
from opskit.capture.spelling import Spelling, form_of, usual_spelling
from opskit.schema.matching import ColumnMatch, Matching
from opskit.schema.model import Table
from opskit.schema.moments import server_type
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, rows
from opskit.schema.types import resolve
from opskit.transfer.render import base_type
from opskit.transfer.wide import rowid_name

_SAMPLE = 500
"""The latest values of a column that are looked at."""


@dataclass(frozen=True, slots=True)
class Written:
    """How a database is written; both by (table, column).

    Attributes:
        units: types with the unit of the numbers that they were converted from.
    """

    habits: Mapping[tuple[str, str], Habits] = field(default_factory=dict[tuple[str, str], Habits])
    units: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


def read_habits(file: apsw.Connection, matching: Matching, overrides: Mapping[str, str]) -> Written:
    """How the columns are written that leave a choice.

    Args:
        overrides: "table.column" → normalized PostgreSQL type, as configured for the migration.

    Raises:
        apsw.Error: the file cannot be read.
    """
    habits: dict[tuple[str, str], Habits] = {}
    units: dict[tuple[str, str], str] = {}
    for table, column in _columns(matching):
        place, kind = (table.name, column.source), base_type(column.pg_type)
        if kind in {"uuid", "bytea"}:
            values = _latest(file, table, column.source)
            habits[place] = Habits(form=form_of(values) if values else None)
        elif kind.startswith(("timestamp", "date")):
            values = _latest(file, table, column.source)
            override = overrides.get(f"{table.name}.{column.source}", "")
            pg_type = _with_unit(column.pg_type, override, values)
            if pg_type != column.pg_type:
                units[place] = pg_type
            elif kind != "date":
                texts = values or _default(file, table, column.source)
                habits[place] = Habits(usual_spelling([one for one in texts if isinstance(one, str)]))
    return Written(_filled(habits), units)


def _columns(matching: Matching) -> Iterator[tuple[Table, ColumnMatch]]:
    return ((table.source, column) for table in matching.tables for column in table.columns)


def _with_unit(pg_type: str, override: str, values: Sequence[Value]) -> str:
    """The type with the unit that its numbers are in, when they are."""
    if server_type(override) == pg_type != override:
        return override
    numbers = [one for one in values if isinstance(one, int | float)]
    return resolve(pg_type, (min(numbers), max(numbers)) if numbers else None)


def _latest(file: apsw.Connection, table: Table, column: str) -> list[Value]:
    rowid = rowid_name(table)
    order = f" ORDER BY {rowid} DESC" if rowid else ""
    name = quote(column)
    query = f"SELECT {name} FROM {quote(table.name)} WHERE {name} IS NOT NULL{order} LIMIT {_SAMPLE}"
    return [value for (value,) in rows(file, query)]


def _default(file: apsw.Connection, table: Table, column: str) -> list[Value]:
    """What a row gets that says nothing about the column."""
    default = table.column(column).default
    return [] if default is None else [value for (value,) in rows(file, f"SELECT {default}")]


def _filled(habits: Mapping[tuple[str, str], Habits]) -> Mapping[tuple[str, str], Habits]:
    """With the most frequent spelling of the database where a column shows none."""
    known = [one.spelling for one in habits.values() if one.spelling]
    usual = max(known, key=known.count) if known else Spelling()
    return {place: Habits(one.spelling or usual, one.form) for place, one in habits.items()}
