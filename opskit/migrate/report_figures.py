"""Figures as people read them."""


def size(octets: int) -> str:
    """Bytes for people.

    >>> size(999), size(1_234_000), size(5_600_000_000)
    ('999 B', '1.2 MB', '5.6 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if octets >= factor:
            return f"{octets / factor:,.1f} {unit}"
    return f"{octets} B"


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(0.0123), duration(1.234), duration(61.5), duration(7384)
    ('12 ms', '1.23 s', '1 min 2 s', '2 h 3 min')
    """
    if round(seconds, 3) < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> count(1, "note"), count(1200, "note")
    ('1 note', '1,200 notes')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
