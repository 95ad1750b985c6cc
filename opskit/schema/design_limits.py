"""What no PostgreSQL table can be (https://www.postgresql.org/docs/15/limits.html)."""

from collections.abc import Iterable

from opskit.schema.design_draft import Draft
from opskit.schema.model import Table

MOST_COLUMNS = 1600
"""MaxHeapAttributeNumber, a compile-time constant of PostgreSQL."""

WIDEST_ROW = 8160
"""Bytes of a row in a page of 8192 (MaxHeapTupleSize); what has a fixed width never leaves it."""

_ROW_HEADER = 24

_WIDTHS = {
    "boolean": 1,
    "smallint": 2,
    "integer": 4,
    "bigint": 8,
    "double precision": 8,
    "date": 4,
    "timestamp with time zone": 8,
    "timestamp without time zone": 8,
    "uuid": 16,
}
"""Bytes a value takes; the types that are not here may be stored outside of the row."""


def obstacle(draft: Draft, table: Table) -> str:
    """Why the table cannot be on PostgreSQL; empty when it can."""
    if len(table.columns) > MOST_COLUMNS:
        return f"it has {len(table.columns)} columns, PostgreSQL cannot hold more than {MOST_COLUMNS}"
    width = row_width(draft.types_of(table).values())
    if width > WIDEST_ROW:
        return f"its rows take {width} bytes, PostgreSQL cannot hold more than {WIDEST_ROW}"
    return ""


def row_width(types: Iterable[str]) -> int:
    """The bytes of a row of these types, those left out that can be stored elsewhere.

    >>> row_width(["bigint", "text", "boolean"])
    33
    """
    return _ROW_HEADER + sum(_WIDTHS.get(one, 0) for one in types)
