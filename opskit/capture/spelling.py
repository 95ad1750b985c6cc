"""How an application writes in SQLite what PostgreSQL has a type for: moments, UUIDs, bytes. Pure.

A moment that comes back is spelled like the other texts of its column. No digit is lost for that: a fraction
that is longer than the others stays.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from opskit.schema.moments import Unit
from opskit.schema.sqlite_file import Value

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:(?P<separator>[T ])\d\d:\d\d(?::\d\d(?:\.(?P<fraction>\d+))?)?"
    r"\s*(?P<zone>Z|z|UTC|[+-]\d\d(?P<colon>:?)(?:\d\d)?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_MILLISECONDS = 210_866_760_000_000
"""From the beginning of julian days to 1970."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a text tells a moment; by default as SQLite's datetime() does.

    Attributes:
        separator: between day and time; empty when midnight is written as the day alone.
        fraction: digits of a second that are always written.
        zone: what is written behind; moments are in UTC.
    """

    separator: str = " "
    fraction: int = 0
    zone: str = ""


class Form(Enum):
    """How a UUID or bytes are kept."""

    TEXT = "text"
    HEX = "text without hyphens"
    BLOB = "blob"


def spelling_of(text: str) -> Spelling | None:
    """How a text tells a moment, None for one that does not.

    >>> spelling_of("2025-08-14 12:33:01"), spelling_of("2025-08-14T12:33:01.250Z")
    (Spelling(separator=' ', fraction=0, zone=''), Spelling(separator='T', fraction=3, zone='Z'))
    >>> spelling_of("2025-08-14"), spelling_of("2025-08-14 12:33:01.5+0200"), spelling_of("soon")
    (Spelling(separator='', fraction=0, zone=''), Spelling(separator=' ', fraction=1, zone='+0000'), None)
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    zone = match["zone"] or ""
    if zone[:1] in ("+", "-"):
        zone = "+00" + match["colon"] + "00" if len(zone) > 3 else "+00"
    return Spelling(match["separator"] or "", len(match["fraction"] or ""), zone)


def usual_spelling(texts: Sequence[str]) -> Spelling | None:
    """How most of some texts tell moments, None when none does.

    Fractions of several lengths are those of one that leaves out zeros.

    >>> usual_spelling(["2025-08-14 12:33:01.5", "2025-08-14 12:33:01.25", "2025-08-14T12:33"])
    Spelling(separator=' ', fraction=0, zone='')
    """
    found = Counter(spelling for text in texts if (spelling := spelling_of(text)))
    if not found:
        return None
    ((shape, _),) = _by_shape(found).most_common(1)
    lengths = {one.fraction for one in found if (one.separator, one.zone) == shape}
    return Spelling(shape[0], lengths.pop() if len(lengths) == 1 else 0, shape[1])


def _by_shape(found: Counter[Spelling]) -> Counter[tuple[str, str]]:
    shapes: Counter[tuple[str, str]] = Counter()
    for one, count in found.items():
        shapes[one.separator, one.zone] += count
    return shapes


def spelled(moment: str, spelling: Spelling) -> str:
    """A moment as timestamptz prints it in UTC, or as timestamp prints it, in a spelling.

    >>> spelled("2025-08-14 12:33:01.5+00", Spelling("T", 3, "Z"))
    '2025-08-14T12:33:01.500Z'
    >>> spelled("2025-08-14 00:00:00+00", Spelling("")), spelled("infinity", Spelling("T"))
    ('2025-08-14', 'infinity')
    """
    day, space, rest = moment.removesuffix("+00").partition(" ")
    if not space or len(day) != 10 or not rest[-1].isdigit():  # infinity, or before Christ
        return moment
    time, _, fraction = rest.partition(".")
    if not spelling.separator and rest == "00:00:00":
        return day
    digits = fraction.ljust(spelling.fraction, "0")
    return f"{day}{spelling.separator or ' '}{time}{f'.{digits}' if digits else ''}{spelling.zone}"


def counted(moment: str, unit: Unit) -> Value:
    """A moment in UTC, or a day, as the number that means it.

    >>> counted("2023-11-14 22:13:20+00", Unit.SECONDS), counted("2023-11-14 22:13:20.25+00", Unit.SECONDS)
    (1700000000, 1700000000.25)
    >>> counted("2024-01-01 01:00:00+00", Unit.JULIAN), counted("infinity", Unit.SECONDS)
    (2460310.5416666665, 'infinity')
    """
    try:
        time = datetime.fromisoformat(moment).replace(tzinfo=UTC) - _EPOCH
    except ValueError:
        return moment
    microseconds = (time.days * 86_400 + time.seconds) * 1_000_000 + time.microseconds
    if unit is Unit.JULIAN:
        return (microseconds / 1000 + _JULIAN_MILLISECONDS) / 86_400_000
    scale = {Unit.SECONDS: 1_000_000, Unit.MILLISECONDS: 1000}.get(unit, 1)
    whole, rest = divmod(microseconds, scale)
    return microseconds / scale if rest else whole


def form_of(values: Sequence[Value]) -> Form:
    """How most of some UUIDs, or texts and BLOBs, are kept.

    >>> form_of(["0f8fad5bd9cb469fa16570867728950e"]), form_of([]), form_of([b"", "x", b"x"])
    (<Form.HEX: 'text without hyphens'>, <Form.TEXT: 'text'>, <Form.BLOB: 'blob'>)
    """
    found = Counter(_form(value) for value in values)
    return found.most_common(1)[0][0] if found else Form.TEXT


def _form(value: Value) -> Form:
    if isinstance(value, bytes):
        return Form.BLOB
    return Form.HEX if isinstance(value, str) and len(value) == 32 and "-" not in value else Form.TEXT
