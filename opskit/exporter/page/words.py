"""Numbers as people read them; a dash is what is not known."""

from datetime import UTC, datetime

NONE = "–"


def count(value: float | None) -> str:
    """A number of things.

    >>> count(12345.0), count(0.25), count(None)
    ('12,345', '0.2', '–')
    """
    if value is None:
        return NONE
    return _short(value)


def _short(value: float) -> str:
    """A number with a decimal where it is small enough for one to matter."""
    return f"{value:,.1f}".removesuffix(".0") if abs(value) < 10 else f"{value:,.0f}"


def size(value: float | None) -> str:
    """Bytes.

    >>> size(512.0), size(3_500_000.0)
    ('512 B', '3.3 MiB')
    """
    if value is None:
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{_short(value)} {unit}"
        value /= 1024
    return f"{_short(value)} TiB"


def duration(seconds: float | None) -> str:
    """How long something takes, or has lasted.

    >>> duration(0.0000042), duration(0.25), duration(2.5), duration(3700), duration(172_800)
    ('4.2 µs', '250 ms', '2.5 s', '1 h 1 min', '2 d')
    """
    if seconds is None:
        return NONE
    if seconds == 0:
        return "0 s"
    for unit, length in (("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)):
        amount = seconds / length
        if amount < (60 if unit == "s" else 1000):
            return f"{_short(amount)} {unit}"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    parts = ((hours, "h"), (minutes % 60, "min")) if hours < 24 else ((hours // 24, "d"), (hours % 24, "h"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def share(ratio: float | None) -> str:
    """A part of a whole.

    >>> share(0.9987), share(1.0), share(0.25), share(0.002), share(0.0)
    ('99.8 %', '100 %', '25 %', '< 1 %', '0 %')
    """
    if ratio is None:
        return NONE
    percent = ratio * 100
    if 0 < percent < 1:
        return "< 1 %"
    return f"{int(percent * 10) / 10:g} %" if 90 <= percent < 100 else f"{percent:.0f} %"


def since(moment: float | None, now: float) -> str:
    """How long ago something was, both as Unix time; or in how long it will be.

    >>> since(100.0, 400.0), since(400.0, 100.0)
    ('5 min ago', 'in 5 min')
    """
    if moment is None:
        return NONE
    return f"in {duration(moment - now)}" if moment > now + 1 else f"{duration(max(0.0, now - moment))} ago"


def clock(moment: float) -> str:
    """A moment, given as Unix time.

    >>> clock(0.0)
    '1970-01-01 00:00:00 UTC'
    """
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
