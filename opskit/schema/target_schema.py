"""What a comparison knows of a PostgreSQL schema."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TargetSchema:
    """Table → column → type as format_type() spells it, and table → columns of its primary key."""

    columns: Mapping[str, Mapping[str, str]]
    primary_keys: Mapping[str, tuple[str, ...]]
