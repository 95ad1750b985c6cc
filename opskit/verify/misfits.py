"""Values of a source table that the types of the target cannot hold: their rows are no part of a digest."""

from typing import cast

import apsw

from opskit.schema.names import quote
from opskit.schema.sqlite_file import rows
from opskit.transfer.render import render
from opskit.transfer.tables import SourceTable


def misfits(reader: apsw.Connection, table: SourceTable) -> tuple[str, ...]:
    """One sentence for each column whose values do not all fit.

    Raises:
        apsw.Error: the file cannot be read.
    """
    counts = ", ".join(_count(quote(column.name), column.pg_type) for column in table.columns)
    (found,) = rows(reader, f"SELECT {counts} FROM {quote(table.name)}")
    return tuple(
        f"{count} values of column {column.name} do not fit {column.pg_type}"
        for column, count in zip(table.columns, cast("tuple[int, ...]", found), strict=True)
        if count
    )


def _count(column: str, pg_type: str) -> str:
    return f"count(CASE WHEN {column} IS NOT NULL AND {render(column, pg_type)} IS NULL THEN 1 END)"
