"""What PostgreSQL may hold for what SQLite held: both sides read with their own drivers, and what they mean.

Nothing here knows how opskit renders, compares or digests values.
"""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isinf
from operator import eq
from typing import Any
from uuid import UUID

import apsw
import psycopg

from opskit.schema.names import quote

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Unfit:
    """A text that PostgreSQL cannot hold as text: no UTF-8, or with a NUL."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Json:
    """What stands in a json or jsonb column."""

    text: str | bytes

    def means(self, source: str | float) -> bool:
        """SQLite keeps a JSON number in a column without TEXT affinity as a number."""
        document = source if isinstance(source, str) else repr(source)
        return json.loads(document, parse_float=Decimal) == json.loads(self.text, parse_float=Decimal)


def instant(text: str) -> datetime:
    """ISO text; without a zone it is UTC, which is what SQLite's own functions take it for."""
    moment = datetime.fromisoformat(text.strip().replace(" +", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def same_bits(source: float, held: float) -> bool:
    return struct.pack("d", source) == struct.pack("d", held)


def spells(number: float, text: str | bytes) -> bool:
    with suppress(ValueError):
        return float(text) == number
    return False


MEANS: Mapping[tuple[type, type], Callable[[Any, Any], bool]] = {
    (int, int): eq,
    (int, bool): eq,
    (int, float): eq,
    (int, Decimal): eq,
    (int, str): lambda number, text: text == str(number),
    (int, bytes): lambda number, data: data == str(number).encode(),
    (int, Json): lambda number, document: document.means(number),
    (float, int): eq,
    (float, bool): eq,
    (float, float): same_bits,
    (float, Decimal): lambda number, decimal: decimal == Decimal(repr(number)),
    (float, str): spells,
    (float, bytes): spells,
    (float, Json): lambda number, document: document.means(number),
    (str, str): eq,
    (str, bytes): lambda text, data: data == text.encode(),
    (str, datetime): lambda text, moment: moment == instant(text),
    (str, date): lambda text, day: day.isoformat() == text,
    (str, Json): lambda text, document: document.means(text),
    (str, UUID): lambda text, number: number == UUID(text),
    (bytes, bytes): eq,
    (Unfit, bytes): lambda unfit, data: data == unfit.data,
}
"""What SQLite held and PostgreSQL holds → is it the same? Nothing is rounded, cut or moved in time."""


def means(source: object, held: object) -> bool:
    """Has a PostgreSQL value the meaning of a SQLite value?"""
    if source is None or held is None:
        return source is held
    same = MEANS.get((type(source), type(held)))
    return same is not None and same(source, held)


def keeps_its_class(source: object, held: object, types: str) -> bool:
    """Does a program read the value as it did before, or as the column's declaration promises?"""
    if types == "same":  # no column of PostgreSQL's is an integer here and a double there
        return type(source) is type(held) or isinstance(held, float)
    match source:
        case int() | float():
            return isinstance(held, int | float | Decimal | Json)
        case str():
            return isinstance(held, str | datetime | date | Json | UUID)
        case _:
            return type(source) is type(held)


def read_source(connection: apsw.Connection, relation: str, columns: Sequence[str]) -> list[Row]:
    """The rows of a table or view, text by its bytes."""
    fields = [
        f"typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"
        for name in map(quote, columns)
    ]
    encoding = str(connection.pragma("encoding"))
    found = connection.execute(f"SELECT {', '.join(fields)} FROM {quote(relation)}").fetchall()
    return [
        tuple(
            as_text(value, encoding) if storage == "text" and isinstance(value, bytes) else value
            for storage, value in zip(row[::2], row[1::2], strict=True)
        )
        for row in found
    ]


def as_text(data: bytes, encoding: str) -> str | Unfit:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return Unfit(data)
    return Unfit(data) if "\0" in text else text


def read_target(connection: psycopg.Connection[Row], relation: str, fields: str) -> list[Row]:
    name = quote(relation.removeprefix("public."))
    return connection.execute(f"SELECT {fields} FROM public.{name}".encode()).fetchall()


def paired(before: Sequence[Row], after: Sequence[Row]) -> tuple[list[tuple[Row, Row]], list[Row]]:
    """Rows of both sides that mean the same, and SQLite's that have no other; PostgreSQL has none more."""
    left = list(after)
    pairs: list[tuple[Row, Row]] = []
    alone: list[Row] = []
    for row in before:
        found = next((held for held in left if all(map(means, row, held))), None)
        if found is None:
            alone.append(row)
        else:
            left.remove(found)
            pairs.append((row, found))
    assert not left, (alone, left)
    return pairs, alone


def read_rejects(connection: psycopg.Connection[Row]) -> list[dict[str, object]]:
    """The rows that were set aside, of all tables."""
    tables = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_description ON objoid = c.oid"
        " WHERE relnamespace = 'public'::regnamespace AND description LIKE 'Rows of % that it cannot hold%'"
    ).fetchall()
    rows = [row for (name,) in tables for row in connection.execute(f"SELECT row FROM {name}".encode())]
    return [json.loads(row.text, parse_float=Decimal) for (row,) in rows if isinstance(row, Json)]


def as_rejected(value: object) -> object:
    """How a value stands among the rejects."""
    match value:
        case bytes():
            return {"hex": value.hex()}
        case Unfit():
            return {"hex": value.data.hex()}
        case float() if isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case float():
            return Decimal(repr(value))
        case _:
            return value
