"""SQLite's dates in text: what moment they name, and how a moment is written."""

import re

from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.values import Moment, Value, quoted

_CONSTANT = re.compile(r"(\d{4})(-\d\d(-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?)?)?)?")
_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
_ISO = f"'^{_DATE}([ T]{_TIME}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?$'"
_UTC = f"'^{_DATE}([ T]{_TIME}Z?)?$'"
_NUMBER = "[[:space:]]*[-+]?[0-9.]+([eE][-+]?[0-9]+)?[[:space:]]*$"
_ODD = f"'^(-?{_DATE}.|[0-9]{{2}}:[0-9]{{2}}|[Nn][Oo][Ww]$|{_NUMBER})'"
"""Texts that SQLite may read as a date in ways we do not follow: better an error than another date."""

_CODES = {"Y": "YYYY", "m": "MM", "d": "DD", "H": "HH24", "M": "MI", "S": "SS", "j": "DDD"}
_SHORT = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M"}
_FIELDS = {
    "Y": ("year", 4),
    "m": ("month", 2),
    "d": ("day", 2),
    "H": ("hour", 2),
    "M": ("minute", 2),
    "j": ("doy", 3),
}


def moment(value: Value) -> Moment | None:
    """The moment a date in text names; a literal is cut to a date where it is shorter than one."""
    if not isinstance(value.literal, str):
        return value.moment
    match = _CONSTANT.fullmatch(value.literal)
    if match is None:
        return None
    text = value.literal + "-01-01"[len(value.literal) - 4 :] if len(value.literal) < 10 else value.literal
    return Moment(f"TIMESTAMP {quoted(text.rstrip('Z').replace('T', ' '))}", len(value.literal))


def moment_of_text(sql: str, *, immutable: bool) -> str:
    """SQL of the timestamp in a text, NULL where SQLite finds no date in it."""
    text = f'{sql} COLLATE "C"'
    odd = f"WHEN {text} ~ {_ODD} THEN make_timestamp(0 * length({sql}), 1, 1, 0, 0, 0)"
    if immutable:
        return f"(CASE WHEN {text} ~ {_ISO} THEN {_immutable_moment(sql)} {odd} END)"
    return (
        f"(CASE WHEN {text} ~ {_UTC} THEN {sql}::timestamp "
        f"WHEN {text} ~ {_ISO} THEN {sql}::timestamptz AT TIME ZONE 'UTC' {odd} END)"
    )


def _immutable_moment(sql: str) -> str:
    """The same from pieces, because PostgreSQL's cast depends on settings.

    The day is added instead of cast, because SQLite reads 2024-02-31 as 2024-03-02.
    """
    text = f'({sql} COLLATE "C")'
    month = f"make_date(substr({text}, 1, 4)::integer, substr({text}, 6, 2)::integer, 1)"
    day = f"{month} + (substr({text}, 9, 2)::integer - 1)"
    time = f"COALESCE(substring({text} from '[ T]({_TIME})'), '00:00')"
    clock = (
        f"make_time(substr({time}, 1, 2)::integer, substr({time}, 4, 2)::integer, "
        f"COALESCE(NULLIF(substr({time}, 7), ''), '0')::double precision)"
    )
    zone = f"substring({text} from '[+-][0-9]{{2}}:[0-9]{{2}}$')"
    minutes = f"substr({zone}, 1, 3)::integer * 60 + (substr({zone}, 1, 1) || substr({zone}, 5, 2))::integer"
    shift = (
        f"COALESCE(CASE WHEN length({text}) > 16 THEN make_interval(mins => {minutes}) END, make_interval())"
    )
    return f"{day} + {clock} - {shift}"


def date_text(sql: str, pattern: str, *, immutable: bool = True) -> str:
    """SQL of a timestamp written by strftime's pattern; to_char reads better but is not immutable.

    Raises:
        Unsupported: a code we do not know.
    """
    for short, long in _SHORT.items():
        pattern = pattern.replace(f"%{short}", long)
    parts: list[tuple[str, str]] = re.findall(r"%(.?)|([^%]+)", pattern)
    if not immutable and all(
        code in _CODES if not plain else not set(plain) & set('"\\') for code, plain in parts
    ):
        template = "".join(
            f'"{plain}"' if not set(plain) <= set(" -:./,") else plain or _CODES[code]
            for code, plain in parts
        )
        return f"to_char({sql}, {quoted(template)})"
    terms = [quoted(plain) if plain else _field(sql, code) for code, plain in parts]
    return f"({' || '.join(terms)})" if terms else "''"


def digits(sql: str, pattern: str) -> str | None:
    """SQL of the number that a pattern of a single code writes, None for other patterns."""
    if pattern == "%s":
        return f"floor(extract(epoch from {sql}))::bigint"
    if len(pattern) == 2 and pattern[1] in _FIELDS:
        return f"extract({_FIELDS[pattern[1]][0]} from {sql})::bigint"
    if pattern in {"%w", "%S"}:
        return f"floor(extract({'dow' if pattern == '%w' else 'second'} from {sql}))::bigint"
    return None


def _field(sql: str, code: str) -> str:
    if code in _FIELDS:
        field, width = _FIELDS[code]
        return f"lpad(extract({field} from {sql})::text, {width}, '0')"
    if code == "S":
        return f"lpad(floor(extract(second from {sql}))::text, 2, '0')"
    if code == "f":
        second = f"extract(second from {sql})"
        return f"lpad((CASE WHEN {second} >= 59.9995 THEN 59.999 ELSE round({second}, 3) END)::text, 6, '0')"
    if code == "W":
        day, weekday = (f"extract({field} from {sql})::integer" for field in ("doy", "dow"))
        return f"lpad((({day} + 6 - ({weekday} + 6) % 7) / 7)::text, 2, '0')"
    if code in {"s", "w"}:
        return f"{digits(sql, f'%{code}')}::text"
    if code == "%":
        return "'%'"
    raise Unsupported(f"strftime's %{code} is not translated")


def julian(sql: str) -> str:
    """SQL of the Julian day, computed from milliseconds as SQLite does."""
    milliseconds = f"(round(extract(epoch from {sql}) * 1000) + 210866760000000)"
    return f"({milliseconds}::double precision / 86400000::double precision)"
