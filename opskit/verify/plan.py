"""Decides what is compared with what. Pure: both sides' schemas in; pairs and what has no counterpart out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opskit.config import TypesProfile
from opskit.schema.design import Choices
from opskit.schema.model import Column, Schema, Table, ascii_fold
from opskit.schema.names import NameMap
from opskit.schema.target_schema import PgTable, TargetSchema
from opskit.schema.types import TypeChoice, candidates
from opskit.transfer.tables import Pair, SourceColumn, SourceTable, TargetTable
from opskit.verify.findings import Finding


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare.

    Attributes:
        faults: tables and columns of the source that the target lacks.
        notes: tables, columns and views that only the target has, and types that `migrate` does not choose.
    """

    pairs: tuple[Pair, ...]
    faults: tuple[Finding, ...]
    notes: tuple[Finding, ...]


def plan_comparison(
    source: Schema, target: TargetSchema, names: NameMap, expected: TargetSchema | None
) -> Comparison:
    """Pairs tables and columns by the names that `migrate` gave them.

    Args:
        expected: what `migrate` would have made; None when that could not be found out.
    """
    present = [
        (table, target.tables[names.relation(table.name)])
        for table in source.tables
        if names.relation(table.name) in target.tables
    ]
    missing = [
        Finding("table_missing", f"table {names.relation(table.name)}", "is missing in the target")
        for table in source.tables
        if names.relation(table.name) not in target.tables
    ]
    columns = [fault for table, found in present for fault in _missing_columns(table, found, names)]
    made: Mapping[str, PgTable] = expected.tables if expected else {}
    foreign = [
        note
        for table, found in present
        for note in _foreign_columns(table, found, names, made.get(found.name))
    ]
    return Comparison(
        tuple(_pair(table, found, names, target.name) for table, found in present),
        (*missing, *columns),
        (*_foreign_relations(source, target, names), *foreign),
    )


def presumed_choices(source: Schema, target: TargetSchema, names: NameMap) -> Choices:
    """The types that a design of the source rests on: those that stand in the target.

    So nothing needs to be profiled again, and a type that an operator has changed stays his decision: whether
    it holds the values is what comparing the values shows.
    """
    return {
        table.name: {
            column.name: TypeChoice(
                _found_type(table, column, target, names) or candidates(column, TypesProfile.NATIVE)[0],
                "as it stands in the target",
            )
            for column in table.columns
        }
        for table in source.tables
    }


def _found_type(table: Table, column: Column, target: TargetSchema, names: NameMap) -> str | None:
    relation = target.tables.get(names.relation(table.name))
    found = relation.column(names.column(table.name, column.name)) if relation else None
    return found.pg_type if found else None


def _missing_columns(table: Table, found: PgTable, names: NameMap) -> Iterator[Finding]:
    for column in table.columns:
        name = names.column(table.name, column.name)
        if found.column(name) is None:
            yield Finding(
                "column_missing", f"column {name} of table {found.name}", "is missing in the target"
            )


def _foreign_columns(table: Table, found: PgTable, names: NameMap, made: PgTable | None) -> Iterator[Finding]:
    """Columns that only the target has, and types that `migrate` never chooses for the declaration.

    Columns that `migrate` adds of itself, for searches, are none of these.
    """
    related = {ascii_fold(name) for key in table.foreign_keys for name in key.columns}
    declared = {names.column(table.name, column.name): column for column in table.columns}
    for there in found.columns:
        what = f"column {there.name} of table {found.name}"
        column = declared.get(there.name)
        if column is None:
            if made is None or made.column(there.name) is None:
                yield Finding("column_only_in_target", what, "is only in the target")
        elif ascii_fold(column.name) not in related:  # those take the type of the column they refer to
            usual = [kind for profile in TypesProfile for kind in candidates(column, profile)]
            if there.pg_type not in usual:
                yield Finding("type_differs", what, f"is {there.pg_type}; migrate would try {usual[0]} first")


def _foreign_relations(source: Schema, target: TargetSchema, names: NameMap) -> Iterator[Finding]:
    tables = {names.relation(table.name) for table in source.tables}
    views = {names.relation(view.name) for view in source.views}
    for name, table in target.tables.items():
        if name not in tables:
            yield Finding("table_only_in_target", f"{table.kind} {name}", "is only in the target")
    for name in target.views.keys() - views:
        yield Finding("view_only_in_target", f"view {name}", "is only in the target")


def _pair(table: Table, found: PgTable, names: NameMap, schema: str) -> Pair:
    types = {column.name: column.pg_type for column in found.columns}
    common = [column.name for column in table.columns if names.column(table.name, column.name) in types]
    columns = tuple(SourceColumn(column, types[names.column(table.name, column)]) for column in common)
    targets = tuple(names.column(table.name, column) for column in common)
    folded = {ascii_fold(column) for column in common}
    key = table.primary_key if all(ascii_fold(column) in folded for column in table.primary_key) else ()
    return Pair(SourceTable(table.name, columns), TargetTable(schema, found.name, targets), key)
