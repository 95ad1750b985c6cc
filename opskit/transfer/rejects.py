"""Rows of a source table that the target cannot hold: read whole, with the reason."""

import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import apsw

from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, cursor
from opskit.transfer.digest import row_digest
from opskit.transfer.source import fitting, line_of, to_bytes
from opskit.transfer.tables import SourceColumn, SourceTable
from opskit.transfer.wide import any_of, exceeds

_NONE: Mapping[int, str] = MappingProxyType({})

_LARGE = "large"

_AT_ONCE = 900
"""SQLite returns at most 2000 columns, and each takes two."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was set aside.

    Attributes:
        row: all its values as a JSON object; bytes, and texts that are none, as {"hex": …}, and values too
            large for it by their size, as {"bytes": …}.
    """

    key: str
    reason: str
    row: str


def read_rejects(
    reader: apsw.Connection, table: SourceTable, key: Sequence[str], refused: Mapping[int, str] = _NONE
) -> Iterator[Reject]:
    """The rows with a value that its column's type cannot hold, and those that the server refused.

    Args:
        key: the columns that identify a row; all of them when there are none.
        refused: digest of a line → the server's words.

    Raises:
        apsw.Error: the file cannot be read.
    """
    if not refused:
        unfit = any_of([_unfit(column) for column in table.columns])
        yield from (row.reject(key) for row in _read(reader, table, "NULL", unfit))
        return
    for row in _read(reader, table, line_of(reader, replace(table, escaped=True)), "1"):
        words = refused.get(row_digest(to_bytes(row.first)))
        if words is not None or row.is_unfit():
            yield row.reject(key, f"PostgreSQL: {words}" if words else "")


def find_lines(
    reader: apsw.Connection, table: SourceTable, key: Sequence[str], keys: Container[str], lines: SourceTable
) -> Iterator[tuple[Reject, int]]:
    """The rows with some keys, as they would be set aside, each with the digest of its line.

    Args:
        keys: as rejects have them.
        lines: how the table is read for the lines.

    Raises:
        apsw.Error: the file cannot be read.
    """
    for row in _read(reader, table, line_of(reader, replace(lines, escaped=True)), "1"):
        if row.key(key) in keys:
            yield row.reject(key), row_digest(to_bytes(row.first))


def read_lines(
    reader: apsw.Connection, one: SourceTable, other: SourceTable
) -> Iterator[tuple[bytes, bytes]]:
    """The lines of all rows of a table, as it is read in two ways.

    Raises:
        apsw.Error: the file cannot be read.
    """
    asked = ", ".join(line_of(reader, replace(table, escaped=True)) for table in (one, other))
    for line, twin in cursor(reader, f"SELECT {asked} FROM {quote(one.name)}"):
        yield to_bytes(line), to_bytes(twin)


@dataclass(frozen=True, slots=True)
class _Read:
    """A row: something of its line, its values, and a mark for each (see `_select`)."""

    columns: Sequence[SourceColumn]
    first: Value
    values: Sequence[Value]
    marks: Sequence[str]

    def key(self, key: Sequence[str]) -> str:
        """What identifies it; all of its values when there are no such columns."""
        found = self._values(key)
        row = {name: found[name] for name in key if name in found} or self._values()
        return ", ".join(f"{name}={_shown(value)}" for name, value in row.items())

    def is_unfit(self) -> bool:
        """Is there a value that its column's type cannot hold?"""
        return any(mark.endswith("!") for mark in self.marks)

    def reject(self, key: Sequence[str], said: str = "") -> Reject:
        """The row as it is set aside, for what the server said or because of its values."""
        columns = zip(self.columns, self.values, self.marks, strict=True)
        reasons = [
            f"column {column.name}: {_reason(value, column)}"
            for column, value, mark in columns
            if mark.endswith("!")
        ]
        row = json.dumps(self._values(), ensure_ascii=False)
        return Reject(self.key(key), said or "; ".join(reasons), row)

    def _values(self, names: Container[str] | None = None) -> dict[str, "JsonScalar"]:
        columns = zip(self.columns, self.values, self.marks, strict=True)
        return {
            column.name: json_value(value, mark)
            for column, value, mark in columns
            if names is None or column.name in names
        }


def _read(reader: apsw.Connection, table: SourceTable, first: str, condition: str) -> Iterator[_Read]:
    """Rows with what `first` says of them."""
    unfit = [_unfit(column) for column in table.columns]
    chunks = [range(start, min(start + _AT_ONCE, len(unfit))) for start in range(0, len(unfit), _AT_ONCE)]
    asked = [first, *(_select(table, chunk, unfit) for chunk in chunks)]
    # no index, which could have another order: the same rows in the same order
    rows = f"{quote(table.name)} NOT INDEXED WHERE {table.only or 1} AND {condition}"
    cursors = [cursor(reader, f"SELECT {one} FROM {rows}") for one in asked]
    for (said,), *parts in zip(*cursors, strict=True):
        values = [value for part in parts for value in part[0::2]]
        marks = [str(mark) for part in parts for mark in part[1::2]]
        yield _Read(table.columns, said, values, marks)


def _select(table: SourceTable, chunk: Sequence[int], unfit: Sequence[str]) -> str:
    """Texts come as bytes, as they may be none, and what is too large comes as its size.

    A mark tells class and fit: `text`, `text!` for a misfit, `large` and `large!`.
    """
    asked: list[str] = []
    for number in chunk:
        column = table.columns[number]
        name = quote(column.name)
        value = f"CASE typeof({name}) WHEN 'text' THEN opskit_utf8(CAST({name} AS BLOB)) ELSE {name} END"
        kind = f"typeof({name})"
        if column.wide:
            large = exceeds(column.name, column.wide)
            value = f"CASE WHEN {large} THEN octet_length({name}) ELSE {value} END"
            kind = f"CASE WHEN {large} THEN '{_LARGE}' ELSE {kind} END"
        asked += [value, f"{kind} || CASE WHEN {unfit[number]} THEN '!' ELSE '' END"]
    return ", ".join(asked)


def _unfit(column: SourceColumn) -> str:
    # SQLite takes a column that is NOT NULL for it, whatever the file holds, but looks for its class
    return f"(typeof({quote(column.name)}) <> 'null' AND {fitting(column)} IS NULL)"


def _reason(value: Value, column: SourceColumn) -> str:
    if isinstance(value, bytes) and column.checked:
        return unstorable(value) or f"the value does not fit {column.pg_type}"
    return f"the value does not fit {column.pg_type}"


def unstorable(text: bytes) -> str:
    """Why PostgreSQL cannot store a text; empty when it can."""
    if b"\0" in text:
        return "the text holds a NUL character"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"the text is not valid UTF-8 at byte {error.start}"
    return ""


JsonScalar = None | int | float | str | dict[str, str | int]


def json_value(value: Value, mark: str) -> JsonScalar:
    """A value as a table of rejects keeps it.

    Args:
        value: texts as bytes.
        mark: begins with its class; `large` when the value is only its size.
    """
    if mark.startswith(_LARGE) and isinstance(value, int):
        return {"bytes": value}
    if isinstance(value, bytes):
        is_text = mark.startswith("text") and not unstorable(value)
        return value.decode() if is_text else {"hex": value.hex()}
    if isinstance(value, float) and math.isinf(value):  # which JSON has no number for
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _shown(value: JsonScalar) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, dict):
        return f"x'{str(value['hex'])[:40]}'" if "hex" in value else f"{value['bytes']} bytes"
    return str(value)[:40]
