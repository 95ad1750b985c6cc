"""Values as PostgreSQL itself would print them, for the few cases SQLite's SQL cannot render.

Registered as SQL functions on the reading connection. Each returns None for a value that does not fit, which
is what the profile counts.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import cast

import apsw

from opskit.schema.sqlite_file import Value, create_function

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
    r"\s*(?:(Z|z|UTC)|([+-])(\d\d):?([0-5]\d)?)?",
    re.ASCII,
)
_LARGEST, _FINEST = 131_072, 16_383
"""Digits before and after the point that numeric holds
(https://www.postgresql.org/docs/15/datatype-numeric.html)."""


def register(connection: apsw.Connection) -> None:
    """Makes the functions available to the connection's SQL."""
    for name, function in _FUNCTIONS.items():
        create_function(connection, name, function)


def float_text(value: Value) -> str | None:
    """A double as float8out prints it: the shortest digits, exponents from 15 on.

    >>> float_text(0.1), float_text(1e15), float_text(3.0), float_text(1e-5), float_text(1234567890123456.5)
    ('0.1', '1e+15', '3', '1e-05', '1.2345678901234565e+15')
    """
    if not isinstance(value, float):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = _inner_repr(value) if abs(value) >= 2**53 else repr(value)
    if "e" in text:
        return text
    if abs(value) < 1e15:
        return text.removesuffix(".0")
    sign, digits = ("-", text[1:]) if value < 0 else ("", text)  # sixteen digits, the point, and more
    rest = digits[1:].replace(".", "").rstrip("0")
    return f"{sign}{digits[0]}{'.' if rest else ''}{rest}e+15"


def _inner_repr(value: float) -> str:
    """The shortest digits that are nearer to a whole double than to the next one.

    repr() also takes digits right in the middle when they are read back as the double; float8out does not.
    """
    whole, gap = int(value), int(math.ulp(value))
    spellings = (repr(value), *(f"{value:.{digits}e}" for digits in (15, 16)))
    return next(text for text in spellings if 2 * abs(int(Decimal(text)) - whole) < gap)


def numeric_text(value: Value) -> str | None:
    """A number as unconstrained numeric keeps it: the double's shortest decimal, without an exponent.

    >>> numeric_text(12.5), numeric_text(1e21), numeric_text(7), numeric_text(-0.0)
    ('12.5', '1000000000000000000000', '7', '0')
    """
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if not value:  # -0.0 has no place in numeric
        return "0"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def real_as_text(value: Value) -> str | None:
    """A double in a column that became text: digits that give the same double when read back.

    >>> real_as_text(0.1), real_as_text(3.0)
    ('0.1', '3.0')
    """
    return repr(value) if isinstance(value, float) else None


def timestamp_text(value: Value) -> str | None:
    """ISO text as timestamptz prints it in UTC; text without a zone is UTC, which is what SQLite's now is.

    >>> timestamp_text("2025-08-14T12:33:01.500Z"), timestamp_text("2025-08-14"), timestamp_text("soon")
    ('2025-08-14 12:33:01.5+00', '2025-08-14 00:00:00+00', None)
    """
    match = _TIMESTAMP.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    fraction = (match[7] or "").rstrip("0")
    if len(fraction) > 6:  # PostgreSQL keeps microseconds; rounding would change the value
        return None
    numbers = [int(one or 0) for one in match.group(1, 2, 3, 4, 5, 6)]
    try:
        moment = datetime(*numbers, tzinfo=_zone(match))  # pyright: ignore[reportArgumentType]  six numbers, by the pattern
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    text = f"{moment.year:04}-{moment:%m-%d %H:%M:%S}"
    return f"{text}.{fraction}+00" if fraction else f"{text}+00"


def jsonb_text(value: Value) -> str | None:
    """JSON text as jsonb prints it: keys by length and bytes, numbers as numeric.

    jsonb keeps the last of two equal keys only, so an object that has them does not fit.

    >>> jsonb_text('{"bb":1, "a":[1.50,"x"]}')
    '{"a": [1.50, "x"], "bb": 1}'
    """
    if not isinstance(value, str):
        return None
    try:
        parsed = cast(
            "object",
            json.loads(
                value, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_without_duplicates
            ),
        )
        return _jsonb(parsed)
    except (ValueError, ArithmeticError, RecursionError):  # Decimal has limits of its own
        return None


def _zone(match: re.Match[str]) -> timezone:
    if not match[9]:
        return UTC
    offset = timedelta(hours=int(match[10]), minutes=int(match[11] or 0))
    return timezone(offset if match[9] == "+" else -offset)


def _no_constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _jsonb(value: object) -> str:
    if isinstance(value, Decimal):
        return _json_number(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value)
        keys = sorted(entries, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{_jsonb(key)}: {_jsonb(entries[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_jsonb(one) for one in cast("list[object]", value)) + "]"
    if isinstance(value, str):
        value.encode()  # a lone surrogate is no text in PostgreSQL: UnicodeEncodeError is a ValueError
        if "\0" in value:
            raise ValueError(value)
    return json.dumps(value, ensure_ascii=False)


def _json_number(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if value.adjusted() >= _LARGEST or not isinstance(exponent, int) or exponent < -_FINEST:
        raise ValueError(value)
    return format(value or abs(value), "f")  # -0.0 has no place in numeric


_FUNCTIONS: Mapping[str, Callable[[Value], str | None]] = {
    "opskit_float": float_text,
    "opskit_repr": repr,  # for doubles that both spell alike: calls into C are half as dear as into Python
    "opskit_numeric": numeric_text,
    "opskit_real_as_text": real_as_text,
    "opskit_timestamp": timestamp_text,
    "opskit_jsonb": jsonb_text,
}
