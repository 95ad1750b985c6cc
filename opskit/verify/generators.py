"""Key generators: one that would hand out a key that is there already is found before an INSERT fails."""

from collections.abc import Iterator, Mapping
from typing import cast

from psycopg import sql

from opskit.schema.model import Schema, Table
from opskit.schema.names import NameMap
from opskit.schema.target_schema import PgColumn, PgSequence, PgTable, TargetSchema
from opskit.transfer.target import Connection
from opskit.verify.findings import Finding

NO_GENERATOR = "key_generator_missing"
"""The code of a key that SQLite generates and the target does not."""

_INTEGERS = ("smallint", "integer", "bigint")


def generator_findings(
    source: Schema, target: TargetSchema, names: NameMap, highest: Mapping[str, int]
) -> Iterator[Finding]:
    """What is wrong with the generators of the keys that SQLite generates.

    Args:
        highest: target table → its highest key.
    """
    for table, found, column in _generated_keys(source, target, names):
        what = f"column {column.name} of table {found.name}"
        message = _behind(table, column.sequence, highest.get(found.name, 0)) if column.sequence else ""
        if message:
            yield Finding("key_generator_behind", what, message)
        elif column.sequence is None and column.default is None:
            yield Finding(NO_GENERATOR, what, "generates no keys")


def _behind(table: Table, sequence: PgSequence, highest: int) -> str:
    following = sequence.next_value()
    if following is None or sequence.increment < 0:
        return ""
    if following <= highest:
        return f"would hand out {following} next, and keys up to {highest} are there"
    if table.autoincrement and following <= (table.last_key or 0):
        return f"would hand out {following} next, and SQLite has given out keys up to {table.last_key}"
    return ""


def highest_keys(
    connection: Connection, source: Schema, target: TargetSchema, names: NameMap
) -> dict[str, int]:
    """Target table → its highest generated key, for tables that have rows.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    queries = [
        sql.SQL("SELECT {}, max({}) FROM {}").format(
            found.name, sql.Identifier(column.name), sql.Identifier(target.name, found.name)
        )
        for _, found, column in _generated_keys(source, target, names)
    ]
    if not queries:
        return {}
    rows = connection.execute(sql.SQL(" UNION ALL ").join(queries)).fetchall()
    return {name: key for name, key in cast("list[tuple[str, int | None]]", rows) if key is not None}


def _generated_keys(
    source: Schema, target: TargetSchema, names: NameMap
) -> Iterator[tuple[Table, PgTable, PgColumn]]:
    for table in source.tables:
        found = target.tables.get(names.relation(table.name))
        if found and table.rowid_alias:
            column = found.column(names.column(table.name, table.rowid_alias))
            if column and column.pg_type in _INTEGERS:
                yield table, found, column
