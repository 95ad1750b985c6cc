"""Putting a value into a column, as SQLite's affinity and the migration of the column's values would."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal

from opskit.schema.translation.convert import as_integer, as_number, as_text
from opskit.schema.translation.dates import moment
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.scope import kind_of
from opskit.schema.translation.values import Constant, Kind, Value, Whole, constant, quoted

_TRUTH: Mapping[Constant, str] = {
    0: "FALSE",
    1: "TRUE",
    "false": "FALSE",
    "true": "TRUE",
    "f": "FALSE",
    "t": "TRUE",
}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?) ?(Z|[+-]\d\d:\d\d)?)?")


def stored_as(value: Value, pg_type: str) -> str:
    """SQL of the value in a column of that type.

    Raises:
        Unsupported: the column would hold something else than SQLite's.
    """
    if value.constant:
        return literal_as(value.literal, pg_type)
    kind = kind_of(pg_type)
    if kind is Kind.TEXT:
        return _sized(as_text(value), pg_type)
    if kind is Kind.INTEGER and (value.kind in {Kind.INTEGER, Kind.BOOLEAN} or value.integer is not None):
        return f"({as_integer(value)})"
    if kind in {Kind.REAL, Kind.NUMERIC}:
        return _number(value, kind, pg_type)
    if value.kind is kind and kind is not Kind.OTHER:
        return f"({value.sql})"
    if kind is Kind.BOOLEAN and value.kind is Kind.INTEGER:
        return f"({value.sql})::text::boolean"  # 2 is an error, which PostgreSQL's own cast would make true
    return _date(value, pg_type)


def _number(value: Value, kind: Kind, pg_type: str) -> str:
    if value.kind in {Kind.TEXT, Kind.JSON_ITEM} and value.integer is None:
        # SQLite stores a text that is no number as it is, and one that begins with a number too
        raise Unsupported(f"{value.sql} may be a text, which the column's type {pg_type} cannot hold")
    number = as_number(value)
    if number.kind is Kind.REAL and kind is Kind.NUMERIC:
        return f"({number.sql})::text::{pg_type}"  # PostgreSQL's own cast keeps 15 digits only
    if number.whole is Whole.UNKNOWN and number.kind is not Kind.REAL:
        raise Unsupported(f"{value.sql} does not fit the column's type {pg_type}")
    return f"({number.sql})::{pg_type}"


def _date(value: Value, pg_type: str) -> str:
    found = moment(value)
    if found is not None and pg_type == "timestamp with time zone":
        return f"({found.sql} AT TIME ZONE 'UTC')"
    if found is not None and pg_type == "timestamp without time zone":
        return f"({found.sql})"
    if found is not None and pg_type == "date" and found.length == 10:
        return f"({found.sql})::date"
    if pg_type == "time without time zone" and value.kind is Kind.TEXT:
        return f"{value.sql}::time"
    raise Unsupported(f"{value.sql} does not fit the column's type {pg_type}")


def literal_as(value: Constant, pg_type: str) -> str:
    """SQL of a value that SQLite stores, as a literal of the column's type.

    Raises:
        Unsupported: the type cannot hold it.
    """
    kind = kind_of(pg_type)
    if value is None:
        return "NULL"
    if kind is Kind.BOOLEAN:
        return _boolean(value)
    if kind is Kind.INTEGER and isinstance(value, int | float) and _is_integer(value, pg_type):
        return constant(int(value)).sql
    if kind in {Kind.REAL, Kind.NUMERIC} and isinstance(value, int | float) and _is_exact(value, pg_type):
        return f"{constant(value).sql}::{pg_type}"
    if kind is Kind.TEXT and not isinstance(value, bytes):
        return _sized(as_text(constant(value)), pg_type)
    if kind is Kind.BLOB and isinstance(value, bytes | str):
        return constant(value if isinstance(value, bytes) else value.encode()).sql
    text = _spelled(value, pg_type) if isinstance(value, str) else None
    if text is None:
        raise Unsupported(f"the value {value!r} does not fit the column's type {pg_type}")
    return f"{quoted(text)}::{pg_type}"


def _is_integer(value: float, pg_type: str) -> bool:
    bits = {"smallint": 15, "integer": 31}.get(pg_type, 63)
    return -(2**bits) <= value < 2**bits and value == int(value)


def _is_exact(value: float, pg_type: str) -> bool:
    """Whether the type keeps the number: numeric(p,s) would round it, or refuse it at each INSERT."""
    match = _NUMERIC.fullmatch(pg_type)
    if match is None:
        return True
    scaled = Decimal(repr(value)).scaleb(int(match[2]))
    return abs(scaled) < Decimal(10) ** int(match[1]) and scaled == scaled.to_integral_value()


def _boolean(value: Constant) -> str:
    found = (
        _TRUTH.get(value.lower() if isinstance(value, str) else value)
        if not isinstance(value, bytes)
        else None
    )
    if found is None:
        raise Unsupported(f"the value {value!r} does not fit the column's type boolean")
    return found


def _sized(sql: str, pg_type: str) -> str:
    return sql if pg_type == "text" else f"{sql}::{pg_type}"


def _spelled(value: str, pg_type: str) -> str | None:
    """The text as PostgreSQL reads it under any DateStyle and TimeZone, None when it is not of the type."""
    if pg_type.startswith("timestamp"):
        match = _TIMESTAMP.fullmatch(value)
        return f"{match[1]} {match[2] or '00:00:00'}{match[3] or '+00'}" if match else None
    if pg_type == "date":
        return value if _DATE.fullmatch(value) else None
    if pg_type.startswith("time"):
        return value if _TIME.fullmatch(value) else None
    if pg_type in {"jsonb", "json"}:
        return value if _accepted(json.loads, value) else None
    return value if pg_type == "uuid" and _accepted(uuid.UUID, value) else None


def _accepted(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True
