"""Decides what is compared with what. Pure: both sides' schemas in; pairs and what has no counterpart out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opskit.config import TypesProfile
from opskit.schema.design import Choices, Design, TableDesign
from opskit.schema.model import Column, Schema, Table, ascii_fold
from opskit.schema.moments import server_type
from opskit.schema.names import NameMap
from opskit.schema.target_schema import PgTable, TargetSchema
from opskit.schema.types import TypeChoice, candidates
from opskit.transfer.render import base_type
from opskit.transfer.render_text import TEXT_TYPES
from opskit.transfer.tables import REJECTS_COLUMNS, Pair, SourceColumn, SourceTable, TargetTable
from opskit.verify.findings import Finding


@dataclass(frozen=True, slots=True)
class ComparedTable:
    """A table on both sides.

    Attributes:
        copied: the source as `migrate` has read it: without the columns that the server computes.
        rejects: the table of rejects beside it in the target, None when there is none.
    """

    pair: Pair
    copied: SourceTable
    rejects: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare.

    Attributes:
        faults: tables and columns of the source that the target lacks.
        notes: tables, columns and views that only the target has, and types that `migrate` does not choose.
    """

    tables: tuple[ComparedTable, ...]
    faults: tuple[Finding, ...]
    notes: tuple[Finding, ...]


def plan_comparison(
    source: Schema, target: TargetSchema, names: NameMap, wanted: Design, expected: TargetSchema | None
) -> Comparison:
    """Pairs the tables and columns of a design with what stands in the target.

    Args:
        wanted: what `migrate` would make of the source.
        expected: the same as the server prints it; None when that could not be found out.
    """
    present = [
        (table, target.tables[table.target]) for table in wanted.tables if table.target in target.tables
    ]
    faults = [
        *_missing_tables(wanted, target),
        *(fault for table, found in present for fault in _missing_columns(table, found)),
    ]
    made = expected or TargetSchema(target.name)
    notes = [
        *_foreign_relations(source, target, names, wanted),
        *(note for table, found in present for note in _foreign_columns(table, found, made)),
        *(note for table, found in present for note in _unusual_types(source, table, found)),
    ]
    tables = (_compared(table, found, target, _rejects(wanted, table, target)) for table, found in present)
    return Comparison(tuple(tables), tuple(faults), tuple(notes))


def presumed_choices(
    source: Schema, target: TargetSchema, names: NameMap, converted: Mapping[tuple[str, str], str]
) -> Choices:
    """The types that a design of the source rests on: those that stand in the target.

    So nothing needs to be profiled again, and a type that an operator has changed stays his decision: whether
    it holds the values is what comparing the values shows.

    Args:
        converted: (table, column) → the type with the unit of the numbers that it was converted from.
    """
    return {
        table.name: {
            column.name: TypeChoice(
                converted.get((table.name, column.name))
                or found_type(table, column, target, names)
                or candidates(column, TypesProfile.NATIVE)[0],
                "as it stands in the target",
            )
            for column in table.columns
        }
        for table in source.tables
    }


def found_type(table: Table, column: Column, target: TargetSchema, names: NameMap) -> str | None:
    """The type that a source column has in the target; None when it is missing there."""
    relation = target.tables.get(names.relation(table.name))
    found = relation.column(names.column(table.name, column.name)) if relation else None
    return found.pg_type if found else None


def _missing_tables(wanted: Design, target: TargetSchema) -> Iterator[Finding]:
    for table in wanted.tables:
        if table.target not in target.tables:
            yield Finding("table_missing", f"table {table.target}", "is missing in the target")


def _missing_columns(table: TableDesign, found: PgTable) -> Iterator[Finding]:
    for column in table.columns:
        if found.column(column.target) is None:
            what = f"column {column.target} of table {found.name}"
            yield Finding("column_missing", what, "is missing in the target")


def _foreign_columns(table: TableDesign, found: PgTable, made: TargetSchema) -> Iterator[Finding]:
    """Columns that only the target has; what `migrate` adds of itself, for searches, is not meant."""
    ours = {column.target for column in table.columns}
    if found.name in made.tables:
        ours |= {column.name for column in made.tables[found.name].columns}
    for column in found.columns:
        if column.name not in ours:
            what = f"column {column.name} of table {found.name}"
            yield Finding("column_only_in_target", what, "is only in the target")


def _unusual_types(source: Schema, table: TableDesign, found: PgTable) -> Iterator[Finding]:
    """Types that `migrate` never chooses for what is declared; a foreign key may have brought them."""
    declared = source.table(table.source)
    related = {ascii_fold(name) for key in declared.foreign_keys for name in key.columns}
    for column in table.columns:
        there = found.column(column.target)
        if there and ascii_fold(column.source) not in related:
            one = declared.column(column.source)
            usual = [kind for profile in TypesProfile for kind in candidates(one, profile)]
            if there.pg_type not in usual and server_type(column.pg_type) == column.pg_type:
                what = f"column {column.target} of table {found.name}"
                yield Finding("type_differs", what, f"is {there.pg_type}; migrate would try {usual[0]} first")


def _foreign_relations(
    source: Schema, target: TargetSchema, names: NameMap, wanted: Design
) -> Iterator[Finding]:
    ours = {name for table in wanted.tables for name in (table.target, _rejects(wanted, table, target))}
    for name in target.tables.keys() - ours:
        what = f"{target.tables[name].kind} {name}"
        yield Finding("table_only_in_target", what, "is only in the target")
    for name in target.views.keys() - {names.relation(view.name) for view in source.views}:
        yield Finding("view_only_in_target", f"view {name}", "is only in the target")


def _rejects(wanted: Design, table: TableDesign, target: TargetSchema) -> str | None:
    """The table of rejects beside a table, if `migrate` has made one."""
    beside = target.tables.get(wanted.beside(table))
    is_one = beside is not None and tuple(column.name for column in beside.columns) == REJECTS_COLUMNS
    return beside.name if beside and is_one else None


def _compared(table: TableDesign, found: PgTable, target: TargetSchema, rejects: str | None) -> ComparedTable:
    # only a table of rejects tells that texts were looked at which PostgreSQL cannot store
    read = {
        column: SourceColumn(column.source, column.pg_type, rejects is not None and _is_text(column.pg_type))
        for column in table.columns
    }
    common = [column for column in table.columns if found.column(column.target)]
    columns = tuple(read[column] for column in common)
    targets = tuple(column.target for column in common)
    folded = {ascii_fold(column.source) for column in common}
    key = table.key if all(ascii_fold(column) in folded for column in table.key) else ()
    pair = Pair(SourceTable(table.source, columns), TargetTable(target.name, found.name, targets), key)
    copied = SourceTable(table.source, tuple(read[column] for column in table.copied()))
    return ComparedTable(pair, copied, rejects)


def _is_text(pg_type: str) -> bool:
    return base_type(pg_type) in TEXT_TYPES
