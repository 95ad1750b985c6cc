"""The spelling of settings: as a line of a file, and as the number a server makes of it. Pure."""

import re

_LINE = re.compile(r"\s*([\w.]+)(?:\s*=\s*|\s+)('(?:[^'\\]|''|\\.)*'|[^\s#']+)\s*(?:#.*)?")
"""postgresql.conf: name, an equals sign or a blank, a quoted or bare value, a comment."""

_AMOUNT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")

_FACTORS = {
    "B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4,
    "us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6,
}  # fmt: skip
"""Bytes and microseconds: no unit of one kind is a unit of the other."""

_FLAGS = {"yes": "on", "true": "on", "no": "off", "false": "off"}


def line(name: str, value: str) -> str:
    """A line of postgresql.conf.

    >>> line("timezone", "UTC"), line("log_line_prefix", "it's")
    ("timezone = 'UTC'", "log_line_prefix = 'it''s'")
    """
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"{name} = '{escaped}'"


def read_line(text: str) -> tuple[str, str] | None:
    """Name and value of a line; None when it holds no setting.

    >>> read_line("work_mem = '4MB'  # why"), read_line("# work_mem = 4MB")
    (('work_mem', '4MB'), None)
    """
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    value = match[2]
    if value.startswith("'"):
        value = re.sub(r"''|\\(.)", lambda found: found[1] or "'", value[1:-1])
    return match[1], value


def same(wanted: str, in_force: str, unit: str | None) -> bool:
    """Does the text in a file come to the value that is in force in the server's unit?

    >>> same("2GB", "262144", "8kB"), same("15min", "900", "s"), same("64MB", "4096", "kB")
    (True, True, False)
    """
    amount = _AMOUNT.fullmatch(wanted)
    if amount is None:
        return alike(wanted, in_force)
    if amount[2] and unit and not in_force.startswith("-"):
        apart = float(amount[1]) * _FACTORS.get(amount[2], 0) - float(in_force) * _factor(unit)
        return abs(apart) < _factor(unit)  # the server rounds
    return wanted.strip() == in_force or _number(amount[1]) == _number(in_force)


def alike(one: str, other: str) -> bool:
    """Are two texts in files the same, spelling of flags and lists apart?

    >>> alike("on", "TRUE"), alike("a, b", "a,b"), alike("1s", "1")
    (True, True, False)
    """
    return _plain(one) == _plain(other)


def _factor(unit: str) -> int:
    """How many bytes or microseconds `8kB` or `min` are."""
    match = re.fullmatch(r"(\d*)(\w+)", unit)
    return int(match[1] or 1) * _FACTORS[match[2]] if match else 1


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _plain(text: str) -> str:
    """Flags have several spellings; lists may have blanks after their commas."""
    words = [word.strip() for word in text.split(",")]
    return ",".join(_FLAGS.get(word.lower(), word.lower()) for word in words)
