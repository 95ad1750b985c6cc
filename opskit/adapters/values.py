"""Values at the border: what parameters become for each engine, and what SQLite's columns come back as.

PostgreSQL knows the type of every column. SQLite knows the declared type of a result column that is a
table's column, and nothing of an expression: an expression comes back in its storage class.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from functools import lru_cache, partial
from typing import TypeAlias, cast

from opskit.adapters.api import Json, Parameter, Value
from opskit.errors import QueryFailed

Stored: TypeAlias = str | int | float | bytes | None
"""SQLite's storage classes."""

_EXACT = Context(prec=1200)
"""Wide enough for every float written out; the default context would round at 28 digits."""

_MODIFIERS = re.compile(r"\(\s*\d+\s*(?:,\s*(\d+)\s*)?\)")
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def to_postgresql(value: Parameter) -> str | int | float | bytes | datetime | date | Decimal | None:
    """The parameter as psycopg adapts it.

    JSON goes as text of unknown type, so that it fits json, jsonb and text columns alike.

    Raises:
        QueryFailed: the value is of no type that a placeholder takes.
    """
    if isinstance(value, Json):
        return json_text(value)
    if isinstance(value, datetime):
        return _aware(value)
    return _known(value)


def to_sqlite(value: Parameter) -> Stored:
    """The parameter as SQLite stores it.

    A datetime becomes UTC text in the form that `datetime('now')` writes; a Decimal becomes a number.

    Raises:
        QueryFailed: SQLite would not keep the value (NaN becomes NULL, integers end at 64 bits, numbers
            keep 15 to 17 digits), or it is of no type that a placeholder takes.
    """
    match value:
        case Json():
            return json_text(value)
        case datetime():
            return _aware(value).replace(tzinfo=None).isoformat(sep=" ")
        case date():
            return value.isoformat()
        case Decimal():
            return _number(value)
        case float() if math.isnan(value):
            raise _unfit("SQLite stores NaN as NULL", "send None where NULL is meant")
        case int() if not -(2**63) <= value < 2**63:
            raise _unfit(f"SQLite's integers have 64 bits: {value}", "store it as text")
        case _:
            return cast("Stored", _known(value))


def json_text(value: Json) -> str:
    """The JSON text, compact as JavaScript's JSON.stringify writes it.

    Raises:
        QueryFailed: the data holds something that JSON has no form for.
    """
    try:
        return json.dumps(value.data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise _unfit(f"not JSON: {error}", "use text, numbers, booleans, None, lists, mappings") from error


@lru_cache(maxsize=512)
def sqlite_decoder(declared: str | None) -> Callable[[Stored], Value] | None:
    """What turns stored values of a column of that declared type into Python's; None when nothing does.

    The declarations are read as the migration reads them (schema.types). A stored value that is not of the
    declared kind comes back as it is stored: reading loses nothing.

    >>> decode = sqlite_decoder("DECIMAL(10,2)")
    >>> decode and decode(12.5)
    Decimal('12.50')
    """
    kind = (declared or "").upper()
    if "BOOL" in kind:
        return _read_boolean
    if "TIMESTAMP" in kind or "DATETIME" in kind:
        return _read_timestamp
    if kind == "DATE":
        return _read_date
    if kind in {"JSON", "JSONB"}:
        return _read_json
    if any(word in kind for word in ("DECIMAL", "NUMERIC", "MONEY")):
        return partial(_read_decimal, scale=_scale(kind))
    return None


def _scale(kind: str) -> int | None:
    """DECIMAL(10,2) → 2, DECIMAL(10) → 0, DECIMAL → None."""
    match = _MODIFIERS.search(kind)
    return int(match[1] or 0) if match else None


def _known(value: Parameter) -> str | int | float | bytes | date | Decimal | None:
    if value is None or isinstance(value, str | int | float | bytes | date | Decimal):
        return value
    raise _unfit(
        f"a placeholder takes no {type(value).__name__}",
        "send text, numbers, bytes, dates, Decimal, None, or Json(data)",
    )


def _unfit(message: str, hint: str) -> QueryFailed:
    return QueryFailed.of("parameter_value", message, hint=hint)


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise _unfit(f"{value} is outside the years 1 to 9999 in UTC", "use a time within them") from error


def _number(value: Decimal) -> int | float:
    if value.is_infinite():
        return float(value)
    if value.is_nan():
        raise _unfit("SQLite stores NaN as NULL", "send None where NULL is meant")
    if value.adjusted() < 19 and value == value.to_integral_value() and -(2**63) <= value < 2**63:
        return int(value)
    if Decimal(repr(float(value))) == value:
        return float(value)
    raise _unfit(
        f"SQLite's numbers cannot hold {value} exactly", "round it, or store str(value) in a TEXT column"
    )


def _read_boolean(stored: Stored) -> Value:
    return bool(stored) if isinstance(stored, int) and stored in {0, 1} else stored


def _read_decimal(stored: Stored, *, scale: int | None) -> Value:
    if not isinstance(stored, int | float):
        return stored
    value = Decimal(repr(stored))
    if scale is None or not value.is_finite():
        return value
    scaled = value.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    return scaled if scaled == value else value


def _read_timestamp(stored: Stored) -> Value:
    if not isinstance(stored, str) or not _TIMESTAMP.fullmatch(stored):
        return stored
    try:
        return _aware(datetime.fromisoformat(stored))
    except (ValueError, QueryFailed):
        return stored


def _read_date(stored: Stored) -> Value:
    if not isinstance(stored, str) or not _DATE.fullmatch(stored):
        return stored
    try:
        return date.fromisoformat(stored)
    except ValueError:
        return stored


def _read_json(stored: Stored) -> Value:
    if not isinstance(stored, str):
        return stored
    try:
        return cast("Value", json.loads(stored))
    except ValueError:
        return stored
