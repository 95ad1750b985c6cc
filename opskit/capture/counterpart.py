"""What of a SQLite file belongs to what of a PostgreSQL schema, and how changes of it can come back. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from opskit.capture.restore import Habits, Restored, restored
from opskit.schema.matching import ColumnMatch, Matching, TableMatch
from opskit.schema.model import Affinity, Table
from opskit.schema.target_schema import PgTable, TargetSchema
from opskit.transfer.render import base_type
from opskit.transfer.render_text import TEXT_TYPES
from opskit.transfer.tables import REJECTS_COLUMNS, SourceColumn, SourceTable, TargetTable
from opskit.transfer.wide import rowid_name

HabitsOf = Mapping[tuple[str, str], Habits]
"""(SQLite table, column) → how the application writes it."""

Kind = Literal["bigint", "text"]
"""What a key is looked up as."""

_WHOLE = frozenset({"smallint", "integer", "bigint"})


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of a key that the log tells.

    Attributes:
        position: among the columns of the counterpart.
        kind: the type by which PostgreSQL finds it.
    """

    position: int
    source: str
    target: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A table on both sides; columns stand in the same order.

    Attributes:
        model: the table in SQLite.
        source: how it is read for its lines.
        columns: how each column's values come back.
        key: the primary key, when rows can be found by it on both sides; empty when they cannot.
        address: what SQLite finds a row by: a name of the rowid, or the primary key.
        rejects: the table in PostgreSQL that keeps the rows it could not hold.
    """

    model: Table
    source: SourceTable
    target: TargetTable
    columns: tuple[Restored, ...]
    key: tuple[KeyColumn, ...]
    address: tuple[str, ...]
    rejects: str | None = None

    @property
    def name(self) -> str:
        """The table's name in SQLite."""
        return self.model.name


def counterparts(
    matching: Matching, target: TargetSchema, habits: HabitsOf, units: Mapping[tuple[str, str], str]
) -> tuple[Counterpart, ...]:
    """The tables that stand on both sides.

    Args:
        units: (table, column) → the type with the unit of the numbers that it was converted from.
    """
    return tuple(_counterpart(one, target, habits, units) for one in matching.tables)


def new_tables(matching: Matching, target: TargetSchema) -> tuple[PgTable, ...]:
    """The tables that only PostgreSQL has, those apart in which `migrate` has set rows aside."""
    return tuple(
        table
        for name in matching.added
        if (table := target.tables[name]).kind != "partition" and not _is_rejects(table)
    )


def new_columns(matching: Matching) -> Iterator[tuple[Table, ColumnMatch]]:
    """The columns that only PostgreSQL has; those that it computes, for searches, are its own."""
    for table in matching.tables:
        for column in table.added:
            if column.generated is None:
                yield table.source, ColumnMatch(column.name, column, column.pg_type)


def _counterpart(
    match: TableMatch, target: TargetSchema, habits: HabitsOf, units: Mapping[tuple[str, str], str]
) -> Counterpart:
    table = match.source
    stored = [one for one in match.columns if table.column(one.source).generated is None]
    rejects = _rejects_of(match.target, target)
    types = [units.get((table.name, one.source), one.pg_type) for one in stored]
    columns = tuple(
        SourceColumn(one.source, pg_type, checked=rejects is not None and base_type(pg_type) in TEXT_TYPES)
        for one, pg_type in zip(stored, types, strict=True)
    )
    return Counterpart(
        model=table,
        source=SourceTable(table.name, columns),
        target=TargetTable(target.name, match.target.name, tuple(one.target.name for one in stored)),
        columns=tuple(
            restored(pg_type, habits.get((table.name, one.source), Habits()))
            for one, pg_type in zip(stored, types, strict=True)
        ),
        key=_key(table, match.target, stored),
        address=_address(table),
        rejects=rejects,
    )


def _key(table: Table, other: PgTable, columns: Sequence[ColumnMatch]) -> tuple[KeyColumn, ...]:
    """Empty unless each value of the key has one spelling in SQLite, so that it can be looked up."""
    by_name = {one.target.name: (position, one) for position, one in enumerate(columns)}
    wanted = other.primary_key.columns if other.primary_key else ()
    found: list[KeyColumn] = []
    for name in wanted:
        position, one = by_name.get(name, (0, None))
        kind = None if one is None else _kind(table.column(one.source).affinity, one.pg_type)
        if one is None or kind is None:
            return ()
        found.append(KeyColumn(position, one.source, name, kind))
    return tuple(found)


def _kind(affinity: Affinity, pg_type: str) -> Kind | None:
    if base_type(pg_type) in _WHOLE and affinity in {Affinity.INTEGER, Affinity.NUMERIC}:
        return "bigint"
    if base_type(pg_type) in {"text", "character varying"} and affinity is Affinity.TEXT:
        return "text"
    return None


def _address(table: Table) -> tuple[str, ...]:
    rowid = rowid_name(table)
    return table.primary_key if rowid is None else (rowid,)


def _rejects_of(table: PgTable, target: TargetSchema) -> str | None:
    named = (one for name, one in target.tables.items() if name.startswith(f"{table.name}_rejects"))
    return next((one.name for one in named if _is_rejects(one)), None)


def _is_rejects(table: PgTable) -> bool:
    return tuple(column.name for column in table.columns) == REJECTS_COLUMNS


def without(table: Counterpart, refused: frozenset[int]) -> Counterpart:
    """The table without rows that the server had refused: they are only here, and stay."""
    return replace(table, source=replace(table.source, refused=refused))
