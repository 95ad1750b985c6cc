"""Queries that tell whether the rows of a table allow a key, an index, a check or a computed column it lacks.

`migrate` leaves out what the rows refuse. Nobody keeps a record of that in the database, but the rows still
say it, and a SELECT asks them without holding anybody up. Pure: text only.
"""

from opskit.schema.names import quote
from opskit.schema.target_schema import PgColumn, PgTable

_LARGEST_ENTRY = 2704
"""Bytes of an index entry, a third of a page (BTMaxItemSize of nbtree.h)."""


def key_fails(
    schema: str,
    table: PgTable,
    terms: tuple[str, ...],
    *,
    primary: bool = False,
    unique: bool = False,
    predicate: str | None = None,
) -> str:
    """True when rows are NULL in a primary key, equal where they must not be, or too long for an index.

    Args:
        terms: plain column names of a primary key; terms as the server prints them, of an index.
    """
    parts = [quote(term) for term in terms] if primary else list(terms)
    rows = f"FROM {quote(schema)}.{quote(table.name)} WHERE ({predicate or 'true'})"
    size = " + ".join(f"coalesce(pg_column_size({part}), 0)" for part in parts)
    reasons = [f"EXISTS (SELECT {rows} AND {size} > {_LARGEST_ENTRY})"]
    if primary:
        reasons.append(f"EXISTS (SELECT {rows} AND ({' OR '.join(f'{part} IS NULL' for part in parts)}))")
    if primary or unique:
        filled = " AND ".join(f"({part}) IS NOT NULL" for part in parts)
        reasons.append(f"EXISTS (SELECT {rows} AND {filled} GROUP BY {', '.join(parts)} HAVING count(*) > 1)")
    return f"SELECT {' OR '.join(reasons)}"


def check_fails(schema: str, table: PgTable, expression: str) -> str:
    """False when every row can be asked; a row for which the expression fails is the server's error.

    Rows that break the check do not matter: it would have been added NOT VALID.
    """
    return f"SELECT count({expression}) < 0 FROM {quote(schema)}.{quote(table.name)}"


def values_differ(schema: str, table: PgTable, column: PgColumn, expression: str) -> str:
    """True when the column holds a value that the expression would not give."""
    rows = f"{quote(schema)}.{quote(table.name)}"
    return f"SELECT EXISTS (SELECT FROM {rows} WHERE {quote(column.name)} IS DISTINCT FROM ({expression}))"
