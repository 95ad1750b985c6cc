"""Values as PostgreSQL itself would print them, for the few cases SQLite's SQL cannot render.

Registered as SQL functions on the reading connection. Each returns None for a value that does not fit, which
is what the profile counts.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial

import apsw

from opskit.schema.moments import Unit, moment_text
from opskit.schema.sqlite_file import Value, create_function, scalar
from opskit.transfer.functions_declared import DECLARED
from opskit.transfer.json_text import json_text, jsonb_text
from opskit.transfer.wide_source import register_wide

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
    r"\s*(?:(Z|z|UTC)|([+-])(\d\d):?([0-5]\d)?)?",
    re.ASCII,
)


def register(connection: apsw.Connection) -> None:
    """Makes the functions available to the connection's SQL."""
    for name, function in (*_FUNCTIONS.items(), *DECLARED.items()):
        create_function(connection, name, function)
    encoding = str(scalar(connection, "PRAGMA encoding"))
    for name, judge in _OF_TEXT.items():
        create_function(connection, name, partial(_decoded, encoding, judge))
    create_function(connection, "opskit_utf8", partial(_utf8, encoding))
    for unit in Unit:
        create_function(connection, f"opskit_{unit.value}", partial(_moment, unit))
    register_wide(connection)


def _moment(unit: Unit, value: Value) -> str | None:
    return moment_text(value, unit) if isinstance(value, int | float) else None


def _decoded(encoding: str, judge: Callable[[str], str | None], value: Value) -> str | None:
    """Judges a text that comes as the bytes it is stored in, as they may be no text at all."""
    try:
        return judge(value.decode(encoding)) if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def _utf8(encoding: str, value: Value) -> bytes | None:
    """The bytes of a stored text as UTF-8; bytes that are none stay what they are."""
    if encoding == "UTF-8" or not isinstance(value, bytes):
        return value if isinstance(value, bytes) else None
    return value.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


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


def _zone(match: re.Match[str]) -> timezone:
    if not match[9]:
        return UTC
    offset = timedelta(hours=int(match[10]), minutes=int(match[11] or 0))
    return timezone(offset if match[9] == "+" else -offset)


_FUNCTIONS: Mapping[str, Callable[[Value], str | None]] = {
    "opskit_float": float_text,
    "opskit_repr": repr,  # for doubles that both spell alike: calls into C are half as dear as into Python
    "opskit_numeric": numeric_text,
    "opskit_real_as_text": real_as_text,
    "opskit_timestamp": timestamp_text,
}
_OF_TEXT: Mapping[str, Callable[[str], str | None]] = {
    "opskit_json": json_text,
    "opskit_jsonb": jsonb_text,
    "opskit_storable": lambda text: None if "\0" in text else "",
    "opskit_text": lambda text: text,
}
"""Functions of any text: they take it as a BLOB."""
