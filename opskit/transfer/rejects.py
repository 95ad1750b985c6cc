"""Rows of a source table that the target cannot hold: read whole, with the reason."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import apsw

from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, cursor
from opskit.transfer.source import fitting
from opskit.transfer.tables import SourceColumn, SourceTable
from opskit.transfer.wide import any_of, exceeds

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


def read_rejects(reader: apsw.Connection, table: SourceTable, key: Sequence[str]) -> Iterator[Reject]:
    """The rows with a value that its column's type cannot hold.

    Args:
        key: the columns that identify a row; all of them when there are none.

    Raises:
        apsw.Error: the file cannot be read.
    """
    unfit = [_unfit(column) for column in table.columns]
    condition = any_of(unfit)
    chunks = [range(start, min(start + _AT_ONCE, len(unfit))) for start in range(0, len(unfit), _AT_ONCE)]
    cursors = [cursor(reader, _select(table, [*chunk], unfit, condition)) for chunk in chunks]
    for parts in zip(*cursors, strict=True):  # the same rows in the same order
        values = [value for part in parts for value in part[0::2]]
        marks = [mark for part in parts for mark in part[1::2]]
        yield _reject(table.columns, values, marks, key)


def _select(table: SourceTable, chunk: Sequence[int], unfit: Sequence[str], condition: str) -> str:
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
    return f"SELECT {', '.join(asked)} FROM {quote(table.name)} WHERE {condition}"


def _unfit(column: SourceColumn) -> str:
    return f"({quote(column.name)} IS NOT NULL AND {fitting(column)} IS NULL)"


def _reject(
    columns: Sequence[SourceColumn], values: Sequence[Value], marks: Sequence[Value], key: Sequence[str]
) -> Reject:
    row = {
        column.name: _json_value(value, str(mark))
        for column, value, mark in zip(columns, values, marks, strict=True)
    }
    reasons = [
        f"column {column.name}: {_reason(value, column)}"
        for column, value, mark in zip(columns, values, marks, strict=True)
        if str(mark).endswith("!")
    ]
    identity = {name: row[name] for name in key if name in row} or row
    shown = ", ".join(f"{name}={_shown(value)}" for name, value in identity.items())
    return Reject(shown, "; ".join(reasons), json.dumps(row, ensure_ascii=False))


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


def _json_value(value: Value, mark: str) -> JsonScalar:
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
