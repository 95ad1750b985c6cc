"""Which PostgreSQL type a column becomes: the first candidate that holds every value that is really there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from opskit.config import TypesProfile
from opskit.schema.model import Affinity, Column, Storage

_MODIFIERS = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")

_GENERAL = ("bigint", "double precision", "numeric", "text", "bytea")
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
"""Types an override may name, beside numeric(p,s)."""

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
class ColumnProfile:
    """What a column really holds.

    Attributes:
        storage: how many values of each storage class.
        misfits: candidate type → how many values it cannot hold.
        widest: bytes of the longest text or BLOB as the file stores it, 0 when there is none.
    """

    storage: Mapping[Storage, int]
    misfits: Mapping[str, int]
    widest: int = 0

    def filled(self) -> int:
        """How many values are not NULL."""
        return sum(count for storage, count in self.storage.items() if storage is not Storage.NULL)


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """The type a column becomes, and why in one sentence; `told` marks what the operator should know."""

    pg_type: str
    reason: str
    told: bool = False


def normalize(pg_type: str) -> str:
    """A type as format_type() spells it.

    >>> normalize("TIMESTAMPTZ"), normalize("decimal(10, 2)")
    ('timestamp with time zone', 'numeric(10,2)')
    """
    text = re.sub(r"\s+", " ", pg_type.strip().lower())
    match = re.fullmatch(r"(\w+) ?\((\d+)(?:, ?(\d+))?\)", text)
    if match:
        return f"{_ALIASES.get(match[1], match[1])}({match[2]},{match[3] or 0})"
    return _ALIASES.get(text, text)


def is_supported(pg_type: str) -> bool:
    """May an override name this (normalized) type?"""
    return pg_type in SUPPORTED or re.fullmatch(r"numeric\(\d+,\d+\)", pg_type) is not None


def candidates(column: Column, types: TypesProfile) -> tuple[str, ...]:
    """The types to try, the most wanted first; the last one holds everything."""
    specific = _declared_meaning(column.declared.upper()) if types is TypesProfile.NATIVE else ()
    if column.affinity is Affinity.TEXT:
        general: tuple[str, ...] = ("text", "bytea")
    elif column.affinity is Affinity.REAL:
        general = _GENERAL[1:]
    elif column.affinity is Affinity.BLOB and column.declared:
        general = ("bytea",)
    else:
        general = _GENERAL
    return tuple(dict.fromkeys((*specific, *general)))


def choose(column: Column, profile: ColumnProfile, types: TypesProfile) -> TypeChoice:
    """The first candidate without misfits."""
    wanted = candidates(column, types)
    if profile.filled() == 0 and wanted[0] == "bigint" and column.affinity is not Affinity.INTEGER:
        return TypeChoice("text", f"declared {column.declared or 'without a type'}, holds no value")
    chosen = next(one for one in wanted if not profile.misfits.get(one, 0))
    declared = column.declared or "no type"
    if chosen == wanted[0]:
        return TypeChoice(chosen, f"declared {declared}, all {profile.filled()} values fit")
    passed = [one for one in wanted[: wanted.index(chosen)] if one in profile.misfits]
    reason = "; ".join(f"{profile.misfits[one]} values do not fit {one}" for one in passed[:1])
    # a column without a declared meaning only follows its values; one with a meaning has been widened
    return TypeChoice(chosen, f"declared {declared}, {reason}", told=_is_widened(column, wanted[0]))


def _is_widened(column: Column, wanted: str) -> bool:
    return wanted not in _GENERAL or column.affinity in {Affinity.INTEGER, Affinity.REAL, Affinity.TEXT}


def _declared_meaning(declared: str) -> tuple[str, ...]:
    if "BOOL" in declared:
        return ("boolean",)
    if "TIMESTAMP" in declared or "DATETIME" in declared:
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
