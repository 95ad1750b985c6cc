"""The PostgreSQL types that a column may become, and what is known of its values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from opskit.config import TypesProfile
from opskit.schema.model import Affinity, Column, Storage
from opskit.schema.moments import server_type, unit_of

_PRECISION = re.compile(r"\((\d)\)")
_MODIFIERS = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")

GENERAL = ("bigint", "double precision", "numeric", "text", "bytea")
"""From the narrowest to the one that holds everything."""

SUPPORTED = (
    "boolean",
    "bigint",
    "integer",
    "smallint",
    "double precision",
    "numeric",
    "text",
    "bytea",
    "jsonb",
    "json",
    "date",
    "timestamp with time zone",
    "timestamp without time zone",
    "uuid",
)
"""Types an override may name, beside numeric(p,s) and moments from numbers, as timestamptz(epoch)."""

MOMENTS = ("timestamp with time zone", "timestamp without time zone", "date")
"""Types of days and moments."""

_ALIASES = {
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "bool": "boolean",
    "int": "integer",
    "int8": "bigint",
    "int4": "integer",
    "int2": "smallint",
    "float8": "double precision",
    "decimal": "numeric",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A value, shortened and spelled as in SQL, and the key of its row."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How some values of a column are written: what they are, how many there are, and one of them."""

    title: str
    count: int
    example: Example

    def __str__(self) -> str:
        return f"{self.count} {self.title}, e.g. {self.example}"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What a column really holds.

    Attributes:
        storage: how many values of each storage class.
        misfits: candidate type → how many values it cannot hold; up to the first that holds all.
        widest: bytes of the longest text or BLOB as the file stores it, 0 when there is none.
        examples: candidate type → the first values it cannot hold.
        numbers: the least and the greatest value, when the column may count time and holds numbers only.
        spellings: how the values are written, for a column of moments that are not all of one kind.
        offset: a text with an offset from UTC in a column of moments.
        shortest: bytes of the shortest text, in a column of moments that holds texts only.
        unstorable: values that no type but bytea holds, when they are all that keeps a type from holding
            the column; their rows are set aside, so that the others need not change for them.
        canonical: all values are moments as SQLite's datetime() writes them.
    """

    storage: Mapping[Storage, int]
    misfits: Mapping[str, int]
    widest: int = 0
    examples: Mapping[str, tuple[Example, ...]] = field(default_factory=lambda: MappingProxyType({}))
    numbers: tuple[float, float] | None = None
    spellings: tuple[Spelling, ...] = ()
    offset: Example | None = None
    shortest: int | None = None
    unstorable: int = 0
    canonical: bool = False

    def holds(self, pg_type: str) -> bool:
        """Does a type hold every value that PostgreSQL can hold at all?"""
        return pg_type in self.misfits and self.misfits[pg_type] <= self.unstorable

    def filled(self) -> int:
        """How many values are not NULL."""
        return sum(count for storage, count in self.storage.items() if storage is not Storage.NULL)

    def fits(self, pg_type: str) -> str:
        """The sentence about how many values a type holds, with examples of those that it does not."""
        count, filled = self.misfits.get(pg_type, 0), self.filled()
        if not count:
            return f"all {filled} values fit"
        shown = ", ".join(map(str, self.examples.get(pg_type, ())))
        does = "does" if count == 1 else "do"
        return f"{count} of {filled} values {does} not fit {pg_type}{f', e.g. {shown}' if shown else ''}"


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """The type a column becomes.

    Attributes:
        reason: why, in one sentence.
        told: the operator should know.
        configured: the operator said so.
    """

    pg_type: str
    reason: str
    told: bool = False
    configured: bool = False


def normalize(pg_type: str) -> str:
    """A type as format_type() spells it.

    >>> normalize("TIMESTAMPTZ"), normalize("decimal(10, 2)"), normalize("timestamptz(julian)")
    ('timestamp with time zone', 'numeric(10,2)', 'timestamp with time zone(julian)')
    """
    text = re.sub(r"\s+", " ", pg_type.strip().lower())
    match = re.fullmatch(r"(.+?) ?\((epoch|epoch_ms|epoch_us|julian)\)", text)
    if match:
        return f"{_ALIASES.get(match[1], match[1])}({match[2]})"
    match = re.fullmatch(r"(\w+) ?\((\d+)(?:, ?(\d+))?\)", text)
    if match:
        return f"{_ALIASES.get(match[1], match[1])}({match[2]},{match[3] or 0})"
    return _ALIASES.get(text, text)


def is_supported(pg_type: str) -> bool:
    """May an override name this (normalized) type?"""
    return server_type(pg_type) in SUPPORTED or re.fullmatch(r"numeric\(\d+,\d+\)", pg_type) is not None


def resolve(override: str, numbers: tuple[float, float] | None) -> str:
    """The type an override means for a column: a moment takes numbers in the unit that they all are in.

    >>> resolve("date", (1_700_006_400, 1_700_092_800)), resolve("date", None)
    ('date(epoch)', 'date')
    >>> resolve("timestamp(3) without time zone", (1_700_006_400_125, 1_700_092_800_000))
    'timestamp(3) without time zone(epoch_ms)'
    """
    unit = unit_of(*numbers) if numbers and _PRECISION.sub("", override) in MOMENTS else None
    return f"{override}({unit.value})" if unit else override


def candidates(column: Column, types: TypesProfile) -> tuple[str, ...]:
    """The types to try, the most wanted first; the last one holds everything."""
    if column.affinity is Affinity.TEXT:
        general: tuple[str, ...] = ("text", "bytea")
    elif column.affinity is Affinity.REAL:
        general = GENERAL[1:]
    elif column.affinity is Affinity.BLOB and column.declared:
        general = ("bytea",)
    else:
        general = GENERAL
    return tuple(dict.fromkeys((*meant(column, types), *general)))


def meant(column: Column, types: TypesProfile) -> tuple[str, ...]:
    """The types that a declaration means."""
    return _declared_meaning(column.declared.upper()) if types is TypesProfile.NATIVE else ()


def _declared_meaning(declared: str) -> tuple[str, ...]:
    if "BOOL" in declared:
        return ("boolean",)
    if "TIMESTAMP" in declared or "DATETIME" in declared:  # as in `declares_moments`
        return ("timestamp with time zone",)
    if declared == "DATE":
        return ("date", "timestamp with time zone")
    if declared in {"JSON", "JSONB"}:
        return ("jsonb", "json")
    if any(word in declared for word in ("DECIMAL", "NUMERIC", "MONEY")):
        match = _MODIFIERS.search(declared)
        precision, scale = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
        exact = (
            (f"numeric({precision},{scale})",)
            if 0 < precision <= 1000 and scale <= min(precision, 15)
            else ()
        )
        return (*exact, "numeric")
    return ()
