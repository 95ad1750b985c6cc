"""PostgreSQL's values as an application finds them in SQLite: lines of COPY into rows to bind. Pure.

The inverse of transfer.render: what is stored here is rendered there as the text that it came from. Where one
text has several spellings in SQLite, the column's own is taken (see `spelling`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from opskit.capture.spelling import Form, Spelling, counted, spelled
from opskit.schema.moments import unit_in
from opskit.schema.sqlite_file import Value
from opskit.transfer.compare import decode_field
from opskit.transfer.render import base_type

Convert = Callable[[str], Value]

_MINIFIED = "CASE WHEN json_valid({0}) THEN json({0}) ELSE {0} END"
"""jsonb prints blanks that JSON.stringify() does not write; what SQLite does not take for JSON stays."""

_INTERVAL = re.compile(r"(?:(-?\d+) days? ?)?(?:(-?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Habits:
    """How an application writes a column where it had a choice; None where nothing shows it."""

    spelling: Spelling | None = None
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """How a column's values come back.

    Attributes:
        sql: the expression that is stored, {0} standing for the parameter.
        convert: makes the parameter of PostgreSQL's text; None where that is it.
    """

    sql: str = "{0}"
    convert: Convert | None = field(default=None, compare=False)


def restored(pg_type: str, habits: Habits) -> Restored:
    """How values of a type come back.

    Args:
        pg_type: with the unit of the numbers that it was converted from, as `render` takes it.
    """
    base = base_type(pg_type)
    if base == "jsonb":
        return Restored(_MINIFIED)
    unit = unit_in(pg_type)
    if unit is not None:
        return Restored(convert=lambda text: counted(text, unit))
    if base.startswith("timestamp"):
        spelling = habits.spelling or Spelling()
        return Restored(convert=lambda text: spelled(text, spelling))
    if base == "uuid":
        return Restored(convert=_UUIDS.get(habits.form or Form.TEXT))
    if base == "bytea":
        return Restored(convert=_bytes if habits.form in {None, Form.BLOB} else _text_of_bytes)
    return Restored(convert=_CONVERSIONS.get(base))


def row_of(line: bytes, columns: Sequence[Restored]) -> tuple[Value, ...]:
    """The parameters for a line of COPY."""
    fields = line.split(b"\t") if columns else []
    texts = map(bytes.decode, fields) if b"\\" not in line else map(decode_field, fields)
    return tuple(
        text if column.convert is None or text is None else column.convert(text)
        for column, text in zip(columns, texts, strict=True)
    )


def _number(text: str) -> Value:
    """A numeric as SQLite holds it: whole numbers of 64 bits, else the nearest double.

    >>> _number("12.00"), _number("12.50"), _number("99999999999999999999")
    (12.0, 12.5, 1e+20)
    """
    if len(text) < 20 and text.lstrip("-").isdigit() and -(2**63) <= (whole := int(text)) < 2**63:
        return whole
    return float(text)


def _bytes(text: str) -> Value:
    return bytes.fromhex(text[2:])


def _text_of_bytes(text: str) -> Value:
    stored = bytes.fromhex(text[2:])
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _microseconds(text: str) -> Value:
    """An interval as Django keeps it in SQLite.

    >>> _microseconds("1 day 01:01:01"), _microseconds("-00:00:01.5"), _microseconds("1 mon")
    (90061000000, -1500000, '1 mon')
    """
    match = _INTERVAL.fullmatch(text)
    if match is None:
        return text
    days, sign, hours, minutes, seconds, fraction = match.groups()
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    rest = whole * 1_000_000 + int((fraction or "").ljust(6, "0"))
    return int(days or 0) * 86_400_000_000 + (-rest if sign else rest)


_UUIDS: Mapping[Form, Convert] = {
    Form.HEX: lambda text: text.replace("-", ""),
    Form.BLOB: lambda text: bytes.fromhex(text.replace("-", "")),
}
_CONVERSIONS: Mapping[str, Convert] = {
    "smallint": int,
    "integer": int,
    "bigint": int,
    "boolean": lambda text: int(text == "t"),
    "double precision": float,
    "real": float,
    "numeric": _number,
    "character": str.rstrip,
    "interval": _microseconds,
}
