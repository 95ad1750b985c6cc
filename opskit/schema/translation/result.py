"""What a translation comes to: PostgreSQL's SQL, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

ColumnTypes: TypeAlias = Mapping[str, Mapping[str, str]]
"""Folded table → folded column → PostgreSQL type as `format_type()` spells it."""


@dataclass(frozen=True, slots=True)
class Translation:
    """SQL for PostgreSQL that gives what SQLite gives.

    Attributes:
        told: sentences for the operator about what it depends on.
    """

    sql: str
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Untranslatable:
    """Why there is no such SQL: one sentence for the operator."""

    reason: str


class Unsupported(Exception):
    """The SQL means what PostgreSQL cannot be shown to give. It never leaves this package."""


OBSTACLES = (Unsupported, RecursionError)
"""What ends a translation; SQLite parses deeper trees (1000) than Python walks."""


def untranslatable(obstacle: Exception) -> Untranslatable:
    """The reason that an obstacle is."""
    return Untranslatable(
        "it is nested too deeply" if isinstance(obstacle, RecursionError) else str(obstacle)
    )
