"""Comparing what a view returns on both engines: as multisets, floats to nine digits."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

import apsw

from opskit.schema.names import quote
from opskit.schema.sqlite_file import Row, Value, cursor
from opskit.transfer.functions import timestamp_text

COMPARED_ROWS = 20_000
COMPARED_BYTES = 8_000_000
"""Views that hold more of either are compared by their number of rows only, and that is told."""

_DIGITS = 9
"""Aggregates of doubles may differ in their last bits between engines."""

Normal = None | str | bytes


def source_rows(reader: apsw.Connection, view: str, columns: Sequence[str]) -> list[Row] | None:
    """The rows of a SQLite view, texts that are none as their bytes; None when it has more than is compared.

    Raises:
        apsw.Error: the view is broken, or the file cannot be read.
    """
    fields = ", ".join(map(_readable, map(quote, columns)))
    found: list[Row] = []
    size = 0
    for row in cursor(reader, f"SELECT {fields} FROM {quote(view)}"):
        found.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(found) > COMPARED_ROWS or size > COMPARED_BYTES:
            return None
    return found


def _readable(column: str) -> str:
    data = f"CAST({column} AS BLOB)"
    return (
        f"CASE WHEN typeof({column}) IN ('text', 'blob') AND octet_length({column}) > {COMPARED_BYTES}"
        f" THEN zeroblob({COMPARED_BYTES + 1})"  # too much by itself
        f" WHEN typeof({column}) = 'text' THEN coalesce(opskit_text({data}), {data}) ELSE {column} END"
    )


def differing_rows(source: Iterable[Sequence[Value]], target: Iterable[Sequence[object]]) -> int:
    """How many rows have no twin on the other side."""
    left = sorted(map(_normal_row, source), key=repr)
    right = sorted(map(_normal_row, target), key=repr)
    surplus = _surplus(left, right)
    return surplus + len(right) - (len(left) - surplus)


def _surplus(left: list[tuple[Normal, ...]], right: list[tuple[Normal, ...]]) -> int:
    counts: dict[tuple[Normal, ...], int] = {}
    for row in right:
        counts[row] = counts.get(row, 0) + 1
    missing = 0
    for row in left:
        if counts.get(row, 0):
            counts[row] -= 1
        else:
            missing += 1
    return missing


def _normal_row(row: Sequence[object]) -> tuple[Normal, ...]:
    return tuple(_normal(value) for value in row)


def _normal(value: object) -> Normal:
    """One spelling for values that are the same on both engines: 1, 1.0, true; a moment and its ISO text."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, bool | int | float | Decimal):
        return _number(value)
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
        return timestamp_text(moment.isoformat())
    if isinstance(value, date):
        return timestamp_text(value.isoformat())
    if isinstance(value, dict | list):  # a json or jsonb value, as psycopg reads it
        return json.dumps(value, sort_keys=True)
    text = str(value)
    return timestamp_text(text) or _document(text)


def _document(text: str) -> str:
    """A text that is a JSON document in one spelling, since jsonb has a spelling of its own."""
    if text[:1] not in {"{", "[", '"'}:
        return text
    try:
        document = cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return text
    return document if isinstance(document, str) else json.dumps(document, sort_keys=True)


def _number(value: float | Decimal) -> str:
    number = float(value)
    if not math.isfinite(number):
        return repr(number)
    nearest = int(value) if isinstance(value, int) else round(number)
    is_whole = abs(number - nearest) <= 10**-_DIGITS * max(1.0, abs(number))
    return str(nearest) if is_whole else f"{number:.{_DIGITS}g}"
