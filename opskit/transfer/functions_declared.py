"""Values of types that only a schema made by an application has, as PostgreSQL prints them.

As in `functions`: None for a value that does not fit.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address

from opskit.schema.sqlite_file import Value

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})0*)?)?", re.ASCII)


_IPV4_INSIDE = {0: "::", 0xFFFF: "::ffff:"}
"""The first 96 bits of IPv6 addresses whose rest PostgreSQL prints as an IPv4 address."""


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


def interval_text(value: Value) -> str | None:
    """A number of microseconds, which is how Django keeps a duration in SQLite, as PostgreSQL prints it.

    >>> interval_text(1_500_000), interval_text(90_061_000_000), interval_text(-86_400_000_000)
    ('00:00:01.5', '1 day 01:01:01', '-1 days')
    """
    if not isinstance(value, int):
        return None
    sign = "-" if value < 0 else ""
    days, rest = divmod(abs(value), 86_400_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    words = [f"{sign}{days} day{'' if (sign, days) == ('', 1) else 's'}"] if days else []
    if rest or not days:
        digits = f".{fraction:06}".rstrip("0").rstrip(".")
        words.append(f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{digits}")
    return " ".join(words)


def inet_text(value: Value) -> str | None:
    """An IP address as PostgreSQL prints it.

    >>> inet_text("10.0.0.1"), inet_text("2001:DB8:0::1"), inet_text("::ffff:10.0.0.1"), inet_text("10.0.0")
    ('10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1', None)
    """
    try:
        address = ip_address(value) if isinstance(value, str) and "%" not in value else None
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        prefix, last = divmod(int(address), 2**32)
        if prefix in _IPV4_INSIDE and (prefix or last > 0xFFFF):
            return f"{_IPV4_INSIDE[prefix]}{IPv4Address(last)}"
    return address and str(address)


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
    "opskit_interval": interval_text,
    "opskit_inet": inet_text,
}
