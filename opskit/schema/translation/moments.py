"""SQLite's date functions."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from opskit.schema.translation.convert import as_number
from opskit.schema.translation.dates import date_text, digits, julian, moment, moment_of_text
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.syntax import Node, function_name, walk, word
from opskit.schema.translation.values import NUMBERS, Kind, Moment, Value, constant, integer, plain_text, real

_NOW = "(now() AT TIME ZONE 'UTC')"
_SHIFT = re.compile(r"([+-]?\d+(?:\.\d+)?) *(second|minute|hour|day|month|year)s?", re.IGNORECASE)
_START = re.compile(r"start of (day|month|year)", re.IGNORECASE)
_WEEKDAY = re.compile(r"weekday ([0-6])", re.IGNORECASE)
_FIRST, _LAST = -210866760000, 253402300799
"""The seconds since 1970 that SQLite takes for dates."""
_MOMENTS = {
    "%Y-%m-%d": ("day", 10),
    "%Y-%m-%d %H:%M:%S": ("second", 19),
    "%Y-%m-%dT%H:%M:%SZ": ("second", 20),
    "%Y-%m-%d %H:%M:%f": ("milliseconds", 23),
    "%Y-%m-%dT%H:%M:%fZ": ("milliseconds", 24),
}
"""What strftime writes a whole moment with: how exactly, and in how many characters."""


def written(pattern: str) -> Callable[[Sequence[Value], bool], Value]:
    """date, time or datetime, by the pattern that strftime would need."""

    def translate(arguments: Sequence[Value], immutable: bool) -> Value:
        return _written(pattern, arguments, immutable=immutable)

    return translate


def strftime(arguments: Sequence[Value], immutable: bool) -> Value:
    """strftime(pattern, …)."""
    pattern, *rest = arguments
    if not isinstance(pattern.literal, str):
        raise Unsupported("strftime with a pattern that is not a literal is not translated")
    return _written(pattern.literal, rest, immutable=immutable)


def _written(pattern: str, arguments: Sequence[Value], *, immutable: bool) -> Value:
    sql = _moment(arguments, immutable=immutable)
    if sql is None:
        return constant(None)
    text = plain_text(date_text(sql, pattern, immutable=immutable))
    if pattern in _MOMENTS:
        unit, length = _MOMENTS[pattern]
        return replace(text, moment=Moment(f"date_trunc('{unit}', {sql})", length))
    return replace(text, integer=digits(sql, pattern))


def julian_day(arguments: Sequence[Value], immutable: bool) -> Value:
    """julianday(…)."""
    sql = _moment(arguments, immutable=immutable)
    return real(julian(sql)) if sql else constant(None)


def unix_epoch(arguments: Sequence[Value], immutable: bool) -> Value:
    """unixepoch(…)."""
    sql = _moment(arguments, immutable=immutable)
    return integer(f"floor(extract(epoch from {sql}))::bigint") if sql else constant(None)


def _moment(arguments: Sequence[Value], *, immutable: bool) -> str | None:
    """SQL of the timestamp in UTC that the arguments name, None for NULL."""
    first, *modifiers = arguments or [constant("now")]
    words = [one.literal for one in modifiers]
    if not all(isinstance(word, str) for word in words):
        raise Unsupported("a date modifier that is not a literal is not translated")
    names = [str(word).strip() for word in words]
    if first.kind is Kind.NULL:
        return None
    sql, rest = _start(first, names, immutable=immutable)
    for name in rest:
        sql = _local(sql, immutable=immutable) if name.lower() == "localtime" else _modified(sql, name)
    return sql


def _start(first: Value, names: list[str], *, immutable: bool) -> tuple[str, list[str]]:
    if isinstance(first.literal, str) and first.literal.strip().lower() == "now":
        if immutable:
            raise Unsupported("it depends on the current time")
        return _NOW, names
    if first.kind in NUMBERS:
        if [name.lower() for name in names[:1]] != ["unixepoch"]:
            raise Unsupported(f"{first.sql} is read as a Julian day number, which is not translated")
        seconds = as_number(first).sql
        moment_in_range = f"TIMESTAMP '1970-01-01' + {seconds} * INTERVAL '1 second'"
        return f"(CASE WHEN {seconds} BETWEEN {_FIRST} AND {_LAST} THEN {moment_in_range} END)", names[1:]
    found = moment(first)
    if found is not None and found.length >= 10:
        return found.sql, names
    if first.kind is Kind.TEXT and first.certain:
        return moment_of_text(first.sql, immutable=immutable), names
    raise Unsupported(f"{first.sql} is read as a date")


def _local(sql: str, *, immutable: bool) -> str:
    """SQLite asks the host of the application for its time zone; on PostgreSQL the session has one."""
    if immutable:
        raise Unsupported("it depends on the time zone of the session")
    return f"(({sql} AT TIME ZONE 'UTC') AT TIME ZONE current_setting('TimeZone'))"


def _modified(sql: str, name: str) -> str:
    shift, start, weekday = _SHIFT.fullmatch(name), _START.fullmatch(name), _WEEKDAY.fullmatch(name)
    if shift:
        return _shifted(sql, shift[1], shift[2].lower())
    if start:
        return f"date_trunc('{start[1].lower()}', {sql})"
    if weekday:
        return f"({sql} + ((7 + {weekday[1]} - extract(dow from {sql})::integer) % 7) * INTERVAL '1 day')"
    raise Unsupported(f"the date modifier {name!r} is not translated")


def _shifted(sql: str, amount: str, unit: str) -> str:
    """Months are added to the first of the month, because SQLite reads February 31st as March 3rd."""
    if unit not in {"month", "year"}:
        return f"({sql} + INTERVAL '{amount} {unit}')"
    if "." in amount:
        raise Unsupported("a fraction of a month is not translated")
    month = f"date_trunc('month', {sql})"
    return f"({month} + INTERVAL '{amount} {unit}' + ({sql} - {month}))"


def reads_local_time(tree: Node) -> bool:
    """Whether what a tree gives depends on the time zone of the session."""
    calls = [one for one in walk(tree) if function_name(one) in DATE_FUNCTIONS]
    return any(word(each).strip().lower() == "localtime" for one in calls for each in walk(one))


LOCAL_TIME = (
    "takes the local time of the session (its TimeZone, which ALTER ROLE … SET timezone decides),"
    " SQLite took that of the application's host"
)
"""What is told about anything that reads the local time."""


DATE_FUNCTIONS: Mapping[str, Callable[[Sequence[Value], bool], Value]] = {
    "date": written("%Y-%m-%d"),
    "time": written("%H:%M:%S"),
    "datetime": written("%Y-%m-%d %H:%M:%S"),
    "strftime": strftime,
    "julianday": julian_day,
    "unixepoch": unix_epoch,
}
