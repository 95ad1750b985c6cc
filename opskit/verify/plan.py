"""Decides what is compared with what. Pure: both sides' schemas in; pairs and what has no counterpart out."""

from collections.abc import Iterator
from dataclasses import dataclass

from opskit.schema.model import Schema, Table, ascii_fold
from opskit.schema.names import NameMap, map_names
from opskit.schema.target_schema import TargetSchema
from opskit.transfer.tables import Pair, SourceColumn, SourceTable, TargetTable

SCHEMA = "public"
"""Where the application's tables are."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare.

    Attributes:
        faults: sentences about tables, columns and keys of the source that the target lacks.
        notes: sentences about tables that only the target has; these are no differences.
    """

    pairs: tuple[Pair, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def plan_comparison(source: Schema, target: TargetSchema) -> Comparison:
    """Pairs tables and columns by the names that `migrate` gave them."""
    names = map_names(source)
    present = [table for table in source.tables if names.relation(table.name) in target.tables]
    expected = {names.relation(table.name) for table in source.tables}
    faults = [
        f"table {table.name} is missing in the target" for table in source.tables if table not in present
    ]
    for table in present:
        faults.extend(_table_faults(table, names, target))
    notes = tuple(f"table {name} is only in the target" for name in target.tables if name not in expected)
    return Comparison(tuple(_pair(table, names, target) for table in present), tuple(faults), notes)


def _table_faults(table: Table, names: NameMap, target: TargetSchema) -> Iterator[str]:
    name = names.relation(table.name)
    for column in table.columns:
        if target.tables[name].column(names.column(table.name, column.name)) is None:
            yield f"column {column.name} of table {table.name} is missing in the target"
    wanted = {names.column(table.name, column) for column in table.primary_key}
    key = target.tables[name].primary_key
    if wanted and wanted != set(key.columns if key else ()):
        yield f"the primary key of table {table.name} is not ({', '.join(table.primary_key)}) in the target"


def _pair(table: Table, names: NameMap, target: TargetSchema) -> Pair:
    name = names.relation(table.name)
    types = {column.name: column.pg_type for column in target.tables[name].columns}
    common = [column.name for column in table.columns if names.column(table.name, column.name) in types]
    columns = tuple(SourceColumn(column, types[names.column(table.name, column)]) for column in common)
    targets = tuple(names.column(table.name, column) for column in common)
    folded = {ascii_fold(column) for column in common}
    key = table.primary_key if all(ascii_fold(column) in folded for column in table.primary_key) else ()
    return Pair(SourceTable(table.name, columns), TargetTable(SCHEMA, name, targets), key)
