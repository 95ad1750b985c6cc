"""Numbers that count time: which unit they are in, and the moments that they mean.

A unit is recognised only when all numbers of a column lie between 1973 and 2100 in it; there the units do not
overlap. Nothing is converted because of that: an override like timestamptz(epoch_ms) does.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum

from opskit.schema.model import Affinity, Column

MOMENT = "timestamp with time zone"
"""What a declared moment becomes when all its values are text that reads as one in UTC."""


class Unit(Enum):
    """What a number counts; the value is how overrides spell it."""

    SECONDS = "epoch"
    MILLISECONDS = "epoch_ms"
    MICROSECONDS = "epoch_us"
    JULIAN = "julian"

    def __str__(self) -> str:
        return _TITLES[self]


_TITLES = {
    Unit.SECONDS: "unix seconds",
    Unit.MILLISECONDS: "unix milliseconds",
    Unit.MICROSECONDS: "unix microseconds",
    Unit.JULIAN: "julian days",
}

WINDOWS = {
    Unit.SECONDS: (100_000_000, 4_102_444_800),
    Unit.MILLISECONDS: (100_000_000_000, 4_102_444_800_000),
    Unit.MICROSECONDS: (100_000_000_000_000, 4_102_444_800_000_000),
    Unit.JULIAN: (2_441_744.5, 2_488_069.5),
}
"""Least and greatest number of each unit, inclusive: from 1973-03-03 to 2100-01-01."""

_CONVERTED = re.compile(
    r"(date|timestamp(?:\(\d\))? with(?:out)? time zone)\((epoch|epoch_ms|epoch_us|julian)\)"
)
_WORDS = re.compile(
    r"(?:.*_)?(?:at|on|date|[acm]?time|datetime|timestamp|ts|created|updated|modified|deleted|expires|expiry)"
    r"(?:_[mu]?s)?",
    re.ASCII,
)
_CAMEL = re.compile(r".*[a-z0-9](?:At|On|Date|Time|Timestamp)(?:Ms|Us)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unit_of(lowest: float, highest: float) -> Unit | None:
    """The unit in which both are moments of our time.

    >>> unit_of(1_700_000_000, 1_800_000_000.5), unit_of(2_460_310.5, 2_460_311), unit_of(0, 1_700_000_000)
    (<Unit.SECONDS: 'epoch'>, <Unit.JULIAN: 'julian'>, None)
    """
    return next((unit for unit, (low, high) in WINDOWS.items() if low <= lowest <= highest <= high), None)


def declares_moments(column: Column) -> bool:
    """Is a column declared to hold days or moments?"""
    declared = column.declared.upper()
    return "TIMESTAMP" in declared or "DATETIME" in declared or declared == "DATE"


def may_count_time(column: Column) -> bool:
    """Could the numbers of a column be moments, by its declaration or its name?"""
    numeric = column.affinity in {Affinity.INTEGER, Affinity.REAL, Affinity.NUMERIC}
    named = _WORDS.fullmatch(column.name.lower()) or _CAMEL.fullmatch(column.name)
    return declares_moments(column) or (numeric and named is not None)


def server_type(pg_type: str) -> str:
    """A type without the unit that its values are converted from.

    >>> server_type("date(julian)"), server_type("numeric(10,2)")
    ('date', 'numeric(10,2)')
    """
    match = _CONVERTED.fullmatch(pg_type)
    return match[1] if match else pg_type


def unit_in(pg_type: str) -> Unit | None:
    """The unit that numbers are converted from, None when they are not."""
    match = _CONVERTED.fullmatch(pg_type)
    return Unit(match[2]) if match else None


def moment_text(value: float, unit: Unit) -> str | None:
    """The moment that a number means, as timestamptz prints it in UTC; None outside the years 1 to 9999.

    Fractions are rounded to microseconds, julian days to the milliseconds that SQLite itself counts in.

    >>> moment_text(1_700_000_000, Unit.SECONDS), moment_text(-1, Unit.MILLISECONDS)
    ('2023-11-14 22:13:20+00', '1969-12-31 23:59:59.999+00')
    >>> moment_text(2460310.5416666665, Unit.JULIAN), moment_text(1e300, Unit.SECONDS)
    ('2024-01-01 01:00:00+00', None)
    """
    if not math.isfinite(value):
        return None
    try:
        moment = _EPOCH + timedelta(microseconds=_microseconds(value, unit))
    except OverflowError:
        return None
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment.year:04}-{moment:%m-%d %H:%M:%S}{fraction}+00"


def _microseconds(value: float, unit: Unit) -> int:
    if unit is Unit.JULIAN:
        return (math.floor(value * 86_400_000 + 0.5) - 210_866_760_000_000) * 1000
    scale = {Unit.SECONDS: 1_000_000, Unit.MILLISECONDS: 1000}.get(unit, 1)
    # the digits that were written, not what a double makes of them
    return round(Decimal(repr(value)) * scale)
