"""SQLite's DDL for what only PostgreSQL has: tables and columns that came after the migration. Pure."""

import re
from collections.abc import Iterator, Mapping

from opskit.schema.names import quote
from opskit.schema.target_schema import PgColumn, PgForeignKey, PgTable
from opskit.transfer.render import base_type

_DECLARED: Mapping[str, str] = {
    "smallint": "INTEGER",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "boolean": "BOOLEAN",
    "double precision": "REAL",
    "real": "REAL",
    "timestamp with time zone": "TIMESTAMP",
    "timestamp without time zone": "TIMESTAMP",
    "date": "DATE",
    "bytea": "BLOB",
}
_LITERAL = re.compile(r"('(?:[^']|'')*'|-?\d+(?:\.\d+)?|\(-?\d+(?:\.\d+)?\))(?:::[\w ()\",.]+)?")
_NOW = re.compile(r"now\(\)|CURRENT_TIMESTAMP|statement_timestamp\(\)|transaction_timestamp\(\)")
_TRUTH = {"true": "1", "false": "0"}


def create_table(table: PgTable) -> tuple[str, ...]:
    """The statements that make a table and its indexes; rules that need PostgreSQL's own SQL are left out."""
    key = table.primary_key.columns if table.primary_key else ()
    generated = _generated(table)
    lines = [_column(column, generated=column.name == generated) for column in table.columns]
    if key and not generated:
        lines.append(f"PRIMARY KEY ({_listed(key)})")
    lines += [f"UNIQUE ({_listed(one.columns)})" for one in table.unique]
    lines += [_foreign_key(one) for one in table.foreign_keys]
    body = ",\n  ".join(lines)
    return (f"CREATE TABLE {quote(table.name)} (\n  {body}\n)", *_indexes(table))


def add_column(table: str, column: PgColumn) -> str:
    """The statement that adds a column; SQLite cannot add one that is NOT NULL without a constant."""
    default = _default(column)
    constant = default is not None and not default.startswith("CURRENT")
    not_null = " NOT NULL" if column.not_null and constant else ""
    told = f" DEFAULT {default}" if constant else ""
    words = f"{quote(column.name)} {declared(column.pg_type)}{not_null}{told}"
    return f"ALTER TABLE {quote(table)} ADD COLUMN {words}"


def declared(pg_type: str) -> str:
    """The type as an application would have declared it in SQLite.

    >>> declared("numeric(10,2)"), declared("jsonb"), declared("character varying(20)")
    ('DECIMAL(10,2)', 'TEXT', 'TEXT')
    """
    if pg_type.startswith("numeric"):
        return pg_type.replace("numeric", "DECIMAL")
    return _DECLARED.get(base_type(pg_type), "TEXT")


def _generated(table: PgTable) -> str | None:
    """The column whose keys are given out: it becomes the rowid, whose numbers are never reused."""
    if table.primary_key is None or len(table.primary_key.columns) != 1:
        return None
    (name,) = table.primary_key.columns
    column = table.column(name)
    numbered = column is not None and (column.identity or column.sequence) is not None
    return name if numbered and column and declared(column.pg_type) == "INTEGER" else None


def _column(column: PgColumn, *, generated: bool) -> str:
    if generated:
        return f"{quote(column.name)} INTEGER PRIMARY KEY AUTOINCREMENT"
    default = _default(column)
    return (
        f"{quote(column.name)} {declared(column.pg_type)}"
        + (" NOT NULL" if column.not_null else "")
        + (f" DEFAULT {default}" if default else "")
    )


def _default(column: PgColumn) -> str | None:
    """A constant, or the moment; other expressions are PostgreSQL's own.

    >>> _default(PgColumn("a", "text", default="'it''s'::text"))
    "'it''s'"
    >>> _default(PgColumn("a", "text", default="gen_random_uuid()"))
    """
    default = column.default
    if default is None:
        return None
    if default in _TRUTH:
        return _TRUTH[default]
    if _NOW.fullmatch(default):
        return "CURRENT_TIMESTAMP"
    match = _LITERAL.fullmatch(default)
    return match[1] if match else None


def _foreign_key(key: PgForeignKey) -> str:
    deferred = " DEFERRABLE INITIALLY DEFERRED" if key.initially_deferred else ""
    return (
        f"FOREIGN KEY ({_listed(key.columns)}) REFERENCES {quote(key.parent)} ({_listed(key.parent_columns)})"
        f" ON UPDATE {key.on_update} ON DELETE {key.on_delete}{deferred}"
    )


def _indexes(table: PgTable) -> Iterator[str]:
    """Those of plain columns for all rows."""
    names = {quote(column.name): column.name for column in table.columns}
    names |= {column.name: column.name for column in table.columns}
    for index in table.indexes:
        columns = [names.get(term) for term in index.terms]
        if index.constraint is None and index.predicate is None and index.valid and all(columns):
            unique = "UNIQUE " if index.unique else ""
            listed = _listed(tuple(column for column in columns if column))
            yield f"CREATE {unique}INDEX {quote(index.name)} ON {quote(table.name)} ({listed})"


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quote, columns))
