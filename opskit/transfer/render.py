"""How a SQLite value becomes the text that PostgreSQL prints for it: one SQL expression per target type.

The same expression serves the profile (a NULL for a value that is not NULL is a misfit), the copy, and the
digest that is compared with what PostgreSQL prints.
"""

import re
from collections.abc import Callable, Mapping

from opskit.schema.moments import Unit, server_type, unit_in
from opskit.transfer.render_text import TEXT_TYPES, text

_FRACTION = re.compile(r"\((\d)\)")
_TO_THE_SECOND = {
    "timestamp with time zone": len("2025-08-14 12:33:01+00"),
    "timestamp without time zone": len("2025-08-14 12:33:01"),
    "time without time zone": len("12:33:01"),
}
_NUMERIC = re.compile(r"numeric\((\d+),\s*(\d+)\)")

INTEGER_RANGES = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}


def base_type(pg_type: str) -> str:
    """A type without its modifiers.

    >>> base_type("numeric(10,2)"), base_type("timestamp(3) with time zone")
    ('numeric', 'timestamp with time zone')
    """
    return re.sub(r" ?\(.*\)", "", server_type(pg_type), flags=re.DOTALL)


def render(column: str, pg_type: str) -> str:
    """The SQL expression that renders a column (a quoted reference) for a PostgreSQL type.

    It is NULL for NULL and for every value that the type cannot hold exactly.
    """
    rendered = _RENDERERS.get(base_type(pg_type), text)(column, pg_type)
    longest = _longest_moment(pg_type)
    return rendered if longest is None else f"CASE WHEN length({rendered}) <= {longest} THEN {rendered} END"


def numeric_modifiers(pg_type: str) -> tuple[int, int] | None:
    """Precision and scale of numeric(p,s), None without them.

    >>> numeric_modifiers("numeric(10,2)"), numeric_modifiers("numeric")
    ((10, 2), None)
    """
    match = _NUMERIC.fullmatch(pg_type)
    return (int(match[1]), int(match[2])) if match else None


def _longest_moment(pg_type: str) -> int | None:
    """Characters of a moment or time whose type limits the digits of seconds; PostgreSQL would round more."""
    digits = _FRACTION.search(pg_type)
    seconds = _TO_THE_SECOND.get(base_type(pg_type))
    if digits is None or seconds is None:
        return None
    return seconds + (int(digits[1]) + 1 if int(digits[1]) else 0)


def _integer(column: str, pg_type: str) -> str:
    low, high = INTEGER_RANGES[base_type(pg_type)]
    # a bigint's range is that of the storage class itself
    fits = "" if high == 2**63 - 1 else f" AND {column} BETWEEN {low} AND {high}"
    return (
        f"CASE WHEN typeof({column}) = 'integer'{fits} THEN CAST({column} AS TEXT)"
        f" WHEN typeof({column}) = 'real' AND {column} BETWEEN -9.2e18 AND 9.2e18"
        f" AND CAST({column} AS INTEGER) = {column}{fits} THEN CAST(CAST({column} AS INTEGER) AS TEXT) END"
    )


def _boolean(column: str, _: str) -> str:
    return f"CASE {column} WHEN 1 THEN 't' WHEN 0 THEN 'f' END"


def _double(column: str, _: str) -> str:
    exact = f"CASE WHEN {column} BETWEEN -{2**53} AND {2**53} THEN opskit_float(CAST({column} AS REAL)) END"
    # SQLite writes fifteen digits where they read back as the double, which then are its shortest spelling
    text, whole = f"CAST({column} AS TEXT)", f"CAST({column} AS INTEGER)"
    plain = f"CASE WHEN octet_length({text}) < 17 THEN {text} ELSE opskit_repr({column}) END"
    return (
        f"CASE typeof({column}) WHEN 'real' THEN"
        f" CASE WHEN {column} BETWEEN 1e-4 AND 999999999999999.0"
        f" THEN CASE WHEN {whole} = {column} THEN CAST({whole} AS TEXT) ELSE {plain} END"
        f" ELSE opskit_float({column}) END WHEN 'integer' THEN {exact} END"
    )


def _numeric(column: str, pg_type: str) -> str:
    modifiers = numeric_modifiers(pg_type)
    if modifiers is None:
        return f"CASE WHEN typeof({column}) IN ('integer', 'real') THEN opskit_numeric({column}) END"
    precision, scale = modifiers
    printed = f"printf('%.{scale}f', {column})"
    # printf is exact to 15 digits; casting back shows whether the double is that decimal
    return (
        f"CASE WHEN typeof({column}) IN ('integer', 'real')"
        f" AND {column} BETWEEN -1e{15 - scale} AND 1e{15 - scale}"
        f" AND {column} > -1e{precision - scale} AND {column} < 1e{precision - scale}"
        f" AND CAST({printed} AS REAL) = {column}"
        f" THEN CASE WHEN {column} = 0 THEN printf('%.{scale}f', 0) ELSE {printed} END END"
    )


def _timestamp(column: str, pg_type: str) -> str:
    iso = _iso(column)
    unit = unit_in(pg_type)
    return f"CASE typeof({column}) WHEN 'text' THEN {iso} ELSE {_moment(column, unit)} END" if unit else iso


def _moment(column: str, unit: Unit) -> str:
    return f"CASE WHEN typeof({column}) IN ('integer', 'real') THEN opskit_{unit.value}({column}) END"


def is_canonical_moment(column: str) -> str:
    """The SQL that is true for text as datetime() itself writes it: `2025-08-14 12:33:01`."""
    return f"datetime({column}) = {column} AND {column} >= '0001-'"


def _iso(column: str) -> str:
    # ISO text without an offset stays in C, which is four times as quick as the call into Python;
    # what datetime() itself writes needs no second look, which is four times as quick again
    moment, rest = f"substr({column}, 1, 19)", f"substr({column}, 20)"
    fraction = f"rtrim({rest}, 'Z')"
    is_fraction = f"length({fraction}) BETWEEN 2 AND 7 AND rtrim({fraction}, '0123456789') = '.'"
    return (
        f"CASE WHEN {is_canonical_moment(column)} THEN {column} || '+00'"
        f" WHEN typeof({column}) = 'text' AND {column} >= '0001-'"
        f" AND datetime({moment}) = replace({moment}, 'T', ' ')"
        f" AND ({rest} IN ('', 'Z') OR {is_fraction} AND length({rest}) - length({fraction}) < 2)"
        f" THEN replace({moment}, 'T', ' ') || rtrim(rtrim({fraction}, '0'), '.') || '+00'"
        # bytes that are no UTF-8 never reach Python
        f" WHEN typeof({column}) = 'text' AND trim({column}, '0123456789-+:. TZUCz') = ''"
        f" THEN opskit_timestamp({column}) END"
    )


def _timestamp_without_zone(column: str, pg_type: str) -> str:
    text = _timestamp(column, pg_type)
    return f"substr({text}, 1, length({text}) - 3)"


def _date(column: str, pg_type: str) -> str:
    is_date = f"typeof({column}) = 'text' AND date({column}) = {column} AND {column} >= '0001-'"
    unit = unit_in(pg_type)
    if unit is None:
        return f"CASE WHEN {is_date} THEN {column} END"
    moment = _moment(column, unit)
    midnight = f"substr({moment}, 11) = ' 00:00:00+00'"
    return f"CASE WHEN {is_date} THEN {column} WHEN {midnight} THEN substr({moment}, 1, 10) END"


def _bytea(column: str, _: str) -> str:
    value = (
        f"CASE typeof({column}) WHEN 'real' THEN opskit_utf8(CAST(opskit_real_as_text({column}) AS BLOB))"
        f" WHEN 'text' THEN opskit_utf8(CAST({column} AS BLOB)) ELSE {column} END"
    )
    return f"CASE WHEN {column} IS NOT NULL THEN '\\x' || lower(hex({value})) END"


def _json(column: str, pg_type: str) -> str:
    # a JSON column has NUMERIC affinity: its numbers are stored as such
    real = "opskit_numeric" if pg_type == "jsonb" else "opskit_real_as_text"
    return (
        f"CASE typeof({column}) WHEN 'text' THEN opskit_{pg_type}(CAST({column} AS BLOB))"
        f" WHEN 'integer' THEN CAST({column} AS TEXT)"
        f" WHEN 'real' THEN CASE WHEN abs({column}) < 9e999 THEN {real}({column}) END END"
    )


def _uuid(column: str, _: str) -> str:
    """With hyphens; frameworks also store the 32 digits alone, or 16 bytes."""
    digits = "[0-9a-f]"
    hyphened = "-".join(digits * count for count in (8, 4, 4, 4, 12))
    return (
        f"CASE WHEN typeof({column}) = 'text' AND lower({column}) GLOB '{hyphened}' THEN lower({column})"
        f" WHEN typeof({column}) = 'text' AND lower({column}) GLOB '{digits * 32}'"
        f" THEN {_hyphened(f'lower({column})')}"
        f" WHEN typeof({column}) = 'blob' AND length({column}) = 16"
        f" THEN {_hyphened(f'lower(hex({column}))')} END"
    )


def _hyphened(digits: str) -> str:
    parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    return " || '-' || ".join(f"substr({digits}, {start}, {length})" for start, length in parts)


def _real(column: str, _: str) -> str:
    return f"CASE WHEN typeof({column}) IN ('integer', 'real') THEN opskit_real({column}) END"


def _time(column: str, _: str) -> str:
    is_time = f"typeof({column}) = 'text' AND trim({column}, '0123456789:.') = ''"
    return f"CASE WHEN {is_time} THEN opskit_time({column}) END"


def _interval(column: str, _: str) -> str:
    return f"CASE WHEN typeof({column}) = 'integer' THEN opskit_interval({column}) END"


def _inet(column: str, _: str) -> str:
    is_address = f"typeof({column}) = 'text' AND trim(lower({column}), '0123456789abcdef:.') = ''"
    return f"CASE WHEN {is_address} THEN opskit_inet({column}) END"


_RENDERERS: Mapping[str, Callable[[str, str], str]] = {
    "smallint": _integer,
    "integer": _integer,
    "bigint": _integer,
    "boolean": _boolean,
    "double precision": _double,
    "numeric": _numeric,
    "timestamp with time zone": _timestamp,
    "timestamp without time zone": _timestamp_without_zone,
    "date": _date,
    "bytea": _bytea,
    "json": _json,
    "jsonb": _json,
    "uuid": _uuid,
    "real": _real,
    "time without time zone": _time,
    "interval": _interval,
    "inet": _inet,
    **TEXT_TYPES,
}


def can_render(pg_type: str) -> bool:
    """Is it known how values of this type are spelled? Those of all others are taken as text."""
    return base_type(pg_type) in _RENDERERS
