"""Values of types that only a schema made by an application has, as PostgreSQL prints them.

As in `functions`: None for a value that does not fit.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal

from opskit.schema.sqlite_file import Value

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})0*)?)?", re.ASCII)


def real_text(value: Value) -> str | None:
    """A number as float4out prints it, when all its digits survive in single precision.

    >>> real_text(0.1), real_text(250000), real_text(1e6), real_text(1e-5), real_text(16777217)
    ('0.1', '250000', '1e+06', '1e-05', None)
    """
    if not isinstance(value, int | float):
        return None
    try:
        single = _single(value)
        text = next(text for text in (f"{single:.{digits}e}" for digits in range(9)) if _same(text, single))
    except (OverflowError, StopIteration):  # too large; NaN, which SQLite does not store
        return None
    if float(text) != value:
        return None
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return "Infinity" if value > 0 else "-Infinity"
    return format(Decimal(text), "f") if -5 < int(exponent) < 6 else f"{mantissa}e{int(exponent):+03}"


def time_text(value: Value) -> str | None:
    """A time of day as PostgreSQL prints it.

    >>> time_text("09:30"), time_text("23:59:59.250"), time_text("24:00"), time_text("9:30")
    ('09:30:00', '23:59:59.25', None, None)
    """
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    fraction = (match[4] or "").rstrip("0")
    return f"{match[1]}:{match[2]}:{match[3] or '00'}" + (f".{fraction}" if fraction else "")


def _single(value: float) -> float:
    single: float = struct.unpack("f", struct.pack("f", value))[0]
    return single


def _same(text: str, single: float) -> bool:
    """Is the text read as this number? Right in the middle between two, float4out takes more digits."""
    value = float(text)
    return _single(value if value == single else math.nextafter(value, value + (value - single))) == single


DECLARED: Mapping[str, Callable[[Value], str | None]] = {
    "opskit_real": real_text,
    "opskit_time": time_text,
}
