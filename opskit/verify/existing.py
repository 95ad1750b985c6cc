"""What is compared when the application made the schema itself: content and generators, and not its rules.

Pure but for `left_behind`, which counts what has no counterpart.
"""

from collections.abc import Iterator, Mapping
from typing import cast

import apsw

from opskit.schema.matching import Matching, TableMatch
from opskit.schema.model import Schema
from opskit.schema.names import quote
from opskit.schema.sqlite_file import scalar
from opskit.transfer.tables import Pair, SourceColumn, SourceTable, TargetTable
from opskit.verify.findings import Finding
from opskit.verify.plan import ComparedTable, Comparison


def plan_matched(
    matching: Matching,
    schema: str,
    left: Mapping[str, int],
    converted: Mapping[tuple[str, str], str],
) -> Comparison:
    """Pairs what was matched; what holds something and has no counterpart is a fault.

    Args:
        left: "table" or "table.column" of the source → how much it holds, from `left_behind`.
        converted: (table, column) → the type with the unit of the numbers that it was converted from.
    """
    pairs = [_pair(table, schema, converted) for table in matching.tables]
    tables = tuple(ComparedTable(pair, pair.source) for pair in pairs)
    return Comparison(tables, tuple(_faults(matching, left)), tuple(_notes(matching, left)))


def left_behind(reader: apsw.Connection, source: Schema, matching: Matching) -> dict[str, int]:
    """The rows of each "table" and the values of each "table.column" that the target has no place for.

    Searches are the target's own: full-text tables count for nothing.

    Raises:
        apsw.Error: the file cannot be read.
    """
    search = {table.name for table in source.virtual_tables}
    counted = [(name, "*", name) for name in matching.homeless if name not in search]
    counted += [
        (f"{table.source.name}.{column}", quote(column), table.source.name)
        for table in matching.tables
        for column in table.homeless
        if table.source.name not in search
    ]
    found = {
        name: cast("int", scalar(reader, f"SELECT count({what}) FROM {quote(table)}"))
        for name, what, table in counted
    }
    return {name: held for name, held in found.items() if held}


def _pair(table: TableMatch, schema: str, converted: Mapping[tuple[str, str], str]) -> Pair:
    name, copied = table.source.name, table.copied()
    columns = tuple(
        SourceColumn(column.source, converted.get((name, column.source), column.pg_type)) for column in copied
    )
    targets = tuple(column.target.name for column in copied)
    compared = {column.source for column in copied}
    key = table.source.primary_key if compared.issuperset(table.source.primary_key) else ()
    return Pair(SourceTable(name, columns), TargetTable(schema, table.target.name, targets), key)


def _faults(matching: Matching, left: Mapping[str, int]) -> Iterator[Finding]:
    for name in matching.homeless:
        if name in left:
            yield Finding("table_missing", f"table {name}", f"is missing in the target ({left[name]} rows)")
    for table in matching.tables:
        for column in table.homeless:
            values = left.get(f"{table.source.name}.{column}")
            if values:
                what = f"column {column} of table {table.source.name}"
                yield Finding("column_missing", what, f"is missing in the target ({values} values)")


def _notes(matching: Matching, left: Mapping[str, int]) -> Iterator[Finding]:
    for name in matching.bookkeeping:
        yield Finding("bookkeeping", f"table {name}", "is a migration tool's own and was not compared")
    for name in matching.homeless:
        if name not in left:
            yield Finding("table_missing", f"table {name}", "is missing in the target")
    for name in matching.added:
        yield Finding("table_only_in_target", f"table {name}", "is only in the target")
    for table in matching.tables:
        for column in table.added:
            what = f"column {column.name} of table {table.target.name}"
            yield Finding("column_only_in_target", what, "is only in the target")
