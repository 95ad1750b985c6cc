"""Reads the schema that the application made in the target, and the rows that stand in it. Never written."""

from typing import LiteralString, cast

import apsw
from psycopg import sql

from opskit.migrate.existing import ExistingFacts, Standing
from opskit.migrate.facts import Job
from opskit.schema.matching import ColumnMatch, TableMatch, match
from opskit.schema.names import map_names
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.sqlite_file import refusal
from opskit.schema.sqlite_reader import read_schema
from opskit.transfer.compare import decode_field
from opskit.transfer.source import read_blocks
from opskit.transfer.tables import Pair, SourceColumn, SourceTable, TargetTable
from opskit.transfer.target import Connection, copy_out

MOST_SEEDS = 10_000
"""Rows that migration scripts may have put into a table; where there are more, nobody looks at their keys."""

_FOREIGN: LiteralString = """
SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT pg_has_role(c.relowner, 'USAGE')
"""


def read_existing(reader: apsw.Connection, connection: Connection, job: Job) -> ExistingFacts:
    """What stands in the target's schema, beside what the source declares.

    Raises:
        Refused: the source cannot be read.
        psycopg.Error: the server refused or went away.
    """
    try:
        source, target = read_schema(reader), read_target_schema(connection, job.schema)
        matching = match(source, target, map_names(source, fold=job.fold))
        foreign = {name for (name,) in connection.execute(_FOREIGN, (job.schema,))}
        # what this role may not own, it may not read either
        readable = [name for name in target.tables if name not in foreign]
        holding = frozenset(name for name in readable if _count(connection, job.schema, name, 1))
        standing = {
            table.target.name: _standing(reader, connection, job.schema, table)
            for table in matching.tables
            if table.target.name in holding
        }
    except apsw.Error as error:
        raise refusal(job.source, error) from error
    owned_by_others = frozenset(
        table.target.name for table in matching.tables if table.target.name in foreign
    )
    return ExistingFacts(target, matching, holding, standing, owned_by_others)


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
    strangers = _only_in_target(reader, connection, _pair(schema, table, key))
    changed = _only_in_target(reader, connection, _pair(schema, table, table.copied()))
    return Standing(rows, tuple(_shown(line, key) for line in sorted(strangers)), len(changed))


def _pair(schema: str, table: TableMatch, columns: tuple[ColumnMatch, ...]) -> Pair:
    read = tuple(SourceColumn(column.source, column.pg_type) for column in columns)
    written = tuple(column.target.name for column in columns)
    source = SourceTable(table.source.name, read, escaped=True)
    return Pair(source, TargetTable(schema, table.target.name, written), ())


def _only_in_target(reader: apsw.Connection, connection: Connection, pair: Pair) -> set[bytes]:
    lines = {line for some in copy_out(connection, pair.target) for line in some}
    for block in read_blocks(reader, pair.source):
        lines.difference_update(block.lines)
    return lines


def _shown(line: bytes, columns: tuple[ColumnMatch, ...]) -> str:
    fields = zip(columns, line.split(b"\t"), strict=True)
    return ", ".join(f"{column.target.name}={decode_field(field)}" for column, field in fields)
