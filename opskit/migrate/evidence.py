"""Examples of the values that a type choice rests on, as an operator can find them.

Asked only about columns whose values are not what they were declared to be; clean columns cost nothing.
"""

from collections.abc import Iterator, Sequence
from typing import cast

import apsw

from opskit.schema.model import Column, Table
from opskit.schema.moments import WINDOWS, Unit, moment_text
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Row, Value, rows, scalar
from opskit.schema.types import Example, Spelling
from opskit.transfer.render import render
from opskit.transfer.wide import rowid_name

_SHOWN = 40
"""Characters of a value or a key that are shown."""

_EXAMPLES = 3
_SPELLINGS = 6

_UNITS = {str(unit): unit for unit in Unit}
_ISO = "ISO"


def misfit_examples(
    connection: apsw.Connection, table: Table, column: str, pg_type: str
) -> tuple[Example, ...]:
    """The first values that a type does not hold."""
    name = quote(column)
    condition = f"{name} IS NOT NULL AND {render(name, pg_type)} IS NULL"
    return _examples(connection, table, column, condition, _EXAMPLES)


def only_unstorable(connection: apsw.Connection, table: Table, column: str, pg_type: str) -> bool:
    """Are the values that a type does not hold all texts that PostgreSQL cannot store?"""
    name = quote(column)
    storable = f"typeof({name}) <> 'text' OR opskit_storable(CAST({name} AS BLOB)) IS NOT NULL"
    condition = f"{name} IS NOT NULL AND {render(name, pg_type)} IS NULL AND ({storable})"
    return not rows(connection, f"SELECT 1 FROM {quote(table.name)} WHERE {condition} LIMIT 1")


def offset_example(connection: apsw.Connection, table: Table, column: str) -> Example | None:
    """A moment with an offset from UTC other than zero."""
    zone = f"substr({quote(column)}, 17)"
    condition = f"typeof({quote(column)}) = 'text' AND {zone} GLOB '*[-+]*' AND {zone} NOT GLOB '*[-+]00*'"
    return next(iter(_examples(connection, table, column, condition, 1)), None)


def binary_json(connection: apsw.Connection, table: Table, column: str) -> tuple[Spelling, ...]:
    """The values in SQLite's binary JSON, which is a BLOB of a form of its own."""
    condition = f"typeof({quote(column)}) = 'blob' AND json_valid({quote(column)}, 8)"
    count = cast("int", scalar(connection, f"SELECT count(*) FROM {quote(table.name)} WHERE {condition}"))
    if not count:
        return ()
    (example,) = _examples(connection, table, column, condition, 1)
    return (Spelling("values in SQLite's binary JSON", count, example),)


def spellings(connection: apsw.Connection, table: Table, column: Column) -> tuple[Spelling, ...]:
    """How the values of a column of moments are written, the most frequent first; () when all are alike."""
    name = quote(column.name)
    query = (
        f"SELECT {_kind(name)}, count(*), {_shown_columns(table, column.name)} FROM {quote(table.name)}"
        f" WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    encoding = _encoding(connection)
    found = [
        Spelling(
            "ISO texts" if str(kind).startswith(_ISO) else str(kind),
            cast("int", count),
            _example(table, encoding, tuple(rest), _UNITS.get(str(kind))),
        )
        for kind, count, *rest in rows(connection, query)
    ]
    if len(found) == 1:
        return ()
    rare = found[_SPELLINGS:]
    others = (Spelling("others", sum(one.count for one in rare), rare[0].example),) if rare else ()
    return (*found[:_SPELLINGS], *others)


def row_key(table: Table) -> tuple[str, ...]:
    """What tells the rows of a table apart: its primary key, or the name of its rowid; () without either."""
    if table.primary_key:
        return table.primary_key
    rowid = rowid_name(table)
    return () if rowid is None else (rowid,)


def _kind(name: str) -> str:
    """The SQL that names a value's spelling."""
    units = " ".join(
        f"WHEN {name} BETWEEN {low} AND {high} THEN '{unit}'" for unit, (low, high) in WINDOWS.items()
    )
    readable = f"{render(name, 'timestamp with time zone')} IS NOT NULL"
    time_of_day = f"{name} GLOB '[0-9][0-9]:[0-9][0-9]' OR {name} GLOB '[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*'"
    return (
        f"CASE typeof({name}) WHEN 'blob' THEN 'BLOBs'"
        f" WHEN 'text' THEN CASE WHEN {readable} THEN {_shape(name)}"
        f" WHEN {time_of_day} THEN 'times of day' ELSE 'other texts' END"
        f" ELSE CASE {units} ELSE 'other numbers' END END"
    )


def _shape(name: str) -> str:
    """The SQL that tells ISO spellings apart: by length, separator, fraction (of any length) and zone."""
    tail = f"substr({name}, 20)"
    return (
        f"'{_ISO}' || substr({name}, 11, 1) || CASE WHEN octet_length({name}) < 20 THEN octet_length({name})"
        f" WHEN {tail} GLOB '.*[-+]*' THEN '.+' WHEN {tail} GLOB '.*Z' THEN '.Z'"
        f" WHEN {tail} GLOB '.*' THEN '.' WHEN {tail} = 'Z' THEN 'Z' ELSE '+' END"
    )


def _examples(
    connection: apsw.Connection, table: Table, column: str, condition: str, limit: int
) -> tuple[Example, ...]:
    query = f"SELECT {_shown_columns(table, column)} FROM {quote(table.name)} WHERE {condition} LIMIT {limit}"
    encoding = _encoding(connection)
    return tuple(_example(table, encoding, row) for row in rows(connection, query))


def _shown_columns(table: Table, column: str) -> str:
    """The key, the class of the value, and the value: texts as bytes, as they may be no text."""
    name = quote(column)
    value = f"CASE WHEN typeof({name}) IN ('text', 'blob') THEN {_head(column)} ELSE {name} END"
    return ", ".join([*map(_head, row_key(table)), f"typeof({name})", value])


def _head(column: str) -> str:
    name = quote(column)
    head = f"substr(CAST({name} AS BLOB), 1, {4 * _SHOWN + 4})"
    return f"CASE WHEN {name} IS NOT NULL THEN ifnull({head}, x'') END"  # of an empty BLOB it is NULL


def _encoding(connection: apsw.Connection) -> str:
    return str(scalar(connection, "PRAGMA encoding"))


def _example(table: Table, encoding: str, row: Row, unit: Unit | None = None) -> Example:
    *keys, kind, value = row
    shown = (f"{name}={_text(key, encoding)}" for name, key in zip(row_key(table), keys, strict=True))
    moment = f" ({moment_text(value, unit)})" if unit and isinstance(value, int | float) else ""
    return Example(", ".join(shown) or "a row", f"{_literal(kind, value, encoding)}{moment}")


def _literal(kind: Value, value: Value, encoding: str) -> str:
    """A value as SQL spells it, shortened."""
    if not isinstance(value, bytes):
        return str(value)
    if kind == "blob":
        return f"x'{value[: _SHOWN // 2].hex()}'{'…' if len(value) > _SHOWN // 2 else ''}"
    return f"'{_text(value, encoding)}'"


def _text(value: Value, encoding: str) -> str:
    """A text on one line, short, without anything that steers a terminal."""
    if not isinstance(value, bytes):
        return "NULL"
    text = value.decode(encoding, "backslashreplace")
    head = "".join(_printable(text[:_SHOWN]))
    return head if len(text) <= _SHOWN else f"{head}…"


def _printable(text: Sequence[str]) -> Iterator[str]:
    for one in text:
        yield one if one.isprintable() else one.encode("unicode_escape").decode()
