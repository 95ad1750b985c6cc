"""Reads the schema that the application made in the target, and the rows that stand in it. Never written."""

from typing import LiteralString, cast

import apsw
from psycopg import sql

from opskit.migrate.existing import ExistingFacts, Standing
from opskit.schema.matching import Matching, TableMatch, match
from opskit.schema.names import map_names
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.sqlite_reader import read_schema
from opskit.transfer.compare import decode_field
from opskit.transfer.source import read_blocks
from opskit.transfer.tables import SourceColumn, SourceTable, TargetTable
from opskit.transfer.target import Connection, copy_out

MOST_SEEDS = 10_000
"""Rows that migration scripts may have put into a table; where there are more, nobody looks at their keys."""

_FOREIGN: LiteralString = """
SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT pg_has_role(c.relowner, 'USAGE')
"""


def read_existing(reader: apsw.Connection, connection: Connection, schema: str) -> ExistingFacts:
    """What stands in the schema, beside what the file declares.

    Raises:
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    source, target = read_schema(reader), read_target_schema(connection, schema)
    matching = match(source, target, map_names(source))
    holding = frozenset(name for name in target.tables if _count(connection, schema, name, 1))
    standing = {
        table.target.name: _standing(reader, connection, schema, table)
        for table in matching.tables
        if table.target.name in holding
    }
    return ExistingFacts(target, matching, holding, standing, _foreign(connection, schema, matching))


def _foreign(connection: Connection, schema: str, matching: Matching) -> frozenset[str]:
    others = {name for (name,) in connection.execute(_FOREIGN, (schema,))}
    return frozenset(table.target.name for table in matching.tables if table.target.name in others)


def _count(connection: Connection, schema: str, table: str, most: int) -> int:
    """The rows of a table, counted up to a number."""
    counted = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) rows").format(
        sql.Identifier(schema, table), most
    )
    (rows,) = cast("tuple[int]", connection.execute(counted).fetchone())
    return rows


def _standing(reader: apsw.Connection, connection: Connection, schema: str, table: TableMatch) -> Standing:
    rows = _count(connection, schema, table.target.name, MOST_SEEDS + 1)
    key = table.key()
    if not key or rows > MOST_SEEDS:
        return Standing(rows, None)
    target = TargetTable(schema, table.target.name, tuple(column.target.name for column in key))
    strangers = {line for lines in copy_out(connection, target) for line in lines}
    columns = tuple(SourceColumn(column.source, column.pg_type) for column in key)
    for block in read_blocks(reader, SourceTable(table.source.name, columns, escaped=True)):
        strangers.difference_update(block.lines())
    return Standing(rows, tuple(_shown(line, target.columns) for line in sorted(strangers)))


def _shown(line: bytes, columns: tuple[str, ...]) -> str:
    fields = zip(columns, line.split(b"\t"), strict=True)
    return ", ".join(f"{column}={decode_field(field)}" for column, field in fields)
