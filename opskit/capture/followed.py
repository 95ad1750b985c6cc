"""What a PostgreSQL schema knows of the SQLite file that it follows. Pure."""

import json
from dataclasses import dataclass
from typing import TypedDict, cast

from opskit.runs.plan import to_json


@dataclass(frozen=True, slots=True)
class FollowedColumn:
    """A column on both sides, and the type that its values are spelled for."""

    source: str
    target: str
    pg_type: str


@dataclass(frozen=True, slots=True)
class FollowedTable:
    """A table on both sides.

    Attributes:
        computed: columns of the source that the server computes itself.
        rejects: what the table is or would be called that keeps rows which do not fit.
        generator: the target column that generates keys, None without one.
    """

    source: str
    target: str
    columns: tuple[FollowedColumn, ...]
    computed: tuple[str, ...]
    rejects: str
    generator: str | None


@dataclass(frozen=True, slots=True)
class Followed:
    """A SQLite file that a schema follows.

    Attributes:
        number: the last note that has been passed on.
        left: tables of the file that have no place in the schema.
        sets_aside: rows that do not fit are kept beside their table; otherwise they stop the run.
    """

    source: str
    number: int
    tables: tuple[FollowedTable, ...]
    left: tuple[str, ...] = ()
    sets_aside: bool = True


def to_text(followed: Followed) -> str:
    """What is kept besides source and number, as JSON."""
    return json.dumps(
        {
            "tables": to_json(followed.tables),
            "left": list(followed.left),
            "sets_aside": followed.sets_aside,
        }
    )


def of_text(source: str, number: int, text: str) -> Followed:
    """What was kept."""
    found = cast("_Json", json.loads(text))
    tables = tuple(map(_table, found["tables"]))
    return Followed(source, number, tables, tuple(found["left"]), found["sets_aside"])


class _ColumnJson(TypedDict):
    source: str
    target: str
    pg_type: str


class _TableJson(TypedDict):
    source: str
    target: str
    columns: list[_ColumnJson]
    computed: list[str]
    rejects: str
    generator: str | None


class _Json(TypedDict):
    tables: list[_TableJson]
    left: list[str]
    sets_aside: bool


def _table(kept: _TableJson) -> FollowedTable:
    return FollowedTable(
        kept["source"],
        kept["target"],
        tuple(FollowedColumn(**column) for column in kept["columns"]),
        tuple(kept["computed"]),
        kept["rejects"],
        kept["generator"],
    )
