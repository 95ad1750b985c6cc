"""Numbers that stand as moments in the target: the unit that they were converted from."""

from collections.abc import Mapping

import apsw

from opskit.schema.model import Schema
from opskit.schema.moments import server_type
from opskit.schema.names import NameMap, quote
from opskit.schema.sqlite_file import rows
from opskit.schema.target_schema import TargetSchema
from opskit.schema.types import resolve
from opskit.verify.plan import found_type


def converted_types(
    reader: apsw.Connection,
    source: Schema,
    target: TargetSchema,
    names: NameMap,
    overrides: Mapping[str, str],
) -> dict[tuple[str, str], str]:
    """(table, column) → the target's type with a unit, for columns whose numbers are in one.

    Args:
        overrides: "table.column" → type, as configured.

    Raises:
        apsw.Error: the file cannot be read.
    """
    found: dict[tuple[str, str], str] = {}
    for table in source.tables:
        for column in table.columns:
            kind = found_type(table, column, target, names) or ""
            override = overrides.get(f"{table.name}.{column.name}", "")
            if server_type(override) == kind != override:
                found[table.name, column.name] = override
            elif kind.startswith(("timestamp", "date")):
                resolved = resolve(kind, _numbers(reader, quote(table.name), quote(column.name)))
                if resolved != kind:
                    found[table.name, column.name] = resolved
    return found


def _numbers(reader: apsw.Connection, table: str, column: str) -> tuple[float, float] | None:
    """The least and the greatest value of a column that begins with a number, when both are numbers."""
    first = rows(reader, f"SELECT typeof({column}) FROM {table} WHERE {column} IS NOT NULL LIMIT 1")
    if not first or first[0][0] not in {"integer", "real"}:
        return None
    # texts are the greatest of all; they are not read, as they may be none
    greatest = f"CASE WHEN typeof(max({column})) IN ('integer', 'real') THEN max({column}) END"
    ((lowest, highest),) = rows(reader, f"SELECT min({column}), {greatest} FROM {table}")
    if isinstance(lowest, int | float) and isinstance(highest, int | float):
        return lowest, highest
    return None
