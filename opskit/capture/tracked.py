"""Which rows of a followed table can be brought over singly, and what of a file has no place. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opskit.capture.followed import Followed, FollowedTable
from opskit.capture.triggers import Watched
from opskit.schema.model import Affinity, Schema, Table, ascii_fold
from opskit.schema.names import quote
from opskit.schema.own import CHANGES
from opskit.transfer.render import base_type
from opskit.transfer.render_text import TEXT_TYPES
from opskit.transfer.tables import SourceColumn, SourceTable, TargetTable

_WHOLE_NUMBERS = frozenset({"smallint", "integer", "bigint"})


@dataclass(frozen=True, slots=True)
class Tracked:
    """A followed table.

    Attributes:
        model: the table in SQLite.
        target: columns stand in the order of the source's.
        watched: None for a virtual table, which cannot be watched.
        key: what a row is found by on both sides, in the order of its address; empty when it cannot be.
        rejects: what the table is or would be called that keeps rows which do not fit.
        generator: the target column that generates keys, None without one.
    """

    model: Table
    source: SourceTable
    target: TargetTable
    watched: Watched | None
    key: tuple[SourceColumn, ...]
    rejects: str
    generator: str | None

    @property
    def name(self) -> str:
        """The table's name in SQLite."""
        return self.model.name

    def target_key(self) -> tuple[str, ...]:
        """The key's columns in the target."""
        pairs = zip(self.source.columns, self.target.columns, strict=True)
        names = {column.name: target for column, target in pairs}
        return tuple(names[column.name] for column in self.key)

    def noted_keys(self, done: int) -> SourceTable:
        """The keys that the notes behind one tell, as a table to read."""
        columns = tuple(SourceColumn(f"k{at}", one.pg_type, checked=True) for at, one in enumerate(self.key))
        return SourceTable(CHANGES, columns, escaped=True, only=self._noted(done))

    def is_noted(self, done: int) -> str:
        """The SQL that holds for rows that the notes behind one tell."""
        names = ", ".join(quote(column.name) for column in self.key)
        values = ", ".join(f"k{position}" for position in range(len(self.key)))
        return f"({names}) IN (SELECT {values} FROM {CHANGES} WHERE {self._noted(done)})"

    def _noted(self, done: int) -> str:
        number = -1 if self.watched is None else self.watched.number
        return f"relation = {number} AND number > {done}"


@dataclass(frozen=True, slots=True)
class News:
    """A table, or a column of one, that came to the file or went."""

    table: str
    column: str | None = None
    gone: bool = False

    def __str__(self) -> str:
        what = f"table {self.table}" if self.column is None else f"column {self.column} of table {self.table}"
        return f"{what} is {'gone' if self.gone else 'new'}"


def track(
    followed: Followed, schema: Schema, watched: Mapping[str, Watched], target_schema: str
) -> tuple[Tracked, ...]:
    """The followed tables as they are now.

    Args:
        watched: table → how it is watched.
    """
    return tuple(
        _tracked(one, schema.table(one.source), watched.get(one.source), target_schema)
        for one in followed.tables
    )


def moved(followed: Followed, schema: Schema) -> Iterator[News]:
    """What has come to the file or gone from it since it is followed."""
    known = {one.source: one for one in followed.tables}
    there = {table.name: table for table in schema.tables}
    yield from (News(name) for name in sorted(there.keys() - known.keys() - set(followed.left)))
    for name, one in known.items():
        if name not in there:
            yield News(name, gone=True)
        else:
            yield from _moved_columns(one, there[name])


def _moved_columns(one: FollowedTable, table: Table) -> Iterator[News]:
    known = {*(column.source for column in one.columns), *one.computed}
    there = {column.name for column in table.columns}
    yield from (News(table.name, name) for name in sorted(there - known))
    yield from (News(table.name, name, gone=True) for name in sorted(known - there))


def _tracked(one: FollowedTable, table: Table, watched: Watched | None, schema: str) -> Tracked:
    columns = tuple(
        SourceColumn(column.source, column.pg_type, checked=base_type(column.pg_type) in TEXT_TYPES)
        for column in one.columns
    )
    return Tracked(
        table,
        SourceTable(table.name, columns, escaped=True),
        TargetTable(schema, one.target, tuple(column.target for column in one.columns)),
        watched,
        () if watched is None or not watched.stable else _key(table, watched.address, columns),
        one.rejects,
        one.generator,
    )


def _key(
    table: Table, address: tuple[str, ...], columns: tuple[SourceColumn, ...]
) -> tuple[SourceColumn, ...]:
    """Empty unless each value of the address has one spelling on both sides, so that it can be looked up."""
    by_name = {ascii_fold(column.name): column for column in columns}
    found = [by_name.get(ascii_fold(name)) for name in address]
    key = tuple(column for column in found if column is not None and _is_spelled_once(table, column))
    return key if len(key) == len(address) else ()


def _is_spelled_once(table: Table, column: SourceColumn) -> bool:
    model, kind = table.column(column.name), base_type(column.pg_type)
    if model.collation not in {"BINARY", "NOCASE", "RTRIM"}:  # an order that only the application knows
        return False
    if kind in _WHOLE_NUMBERS:
        return model.affinity in {Affinity.INTEGER, Affinity.NUMERIC}
    return kind in {"text", "character varying"} and model.affinity is Affinity.TEXT
