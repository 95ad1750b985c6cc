"""Writes rows whose values are too large for a line: such a value is streamed into a table of its own.

COPY in binary takes a value as it is, in pieces of any size, so that a gigabyte is in nobody's memory but
the server's, which then puts the row together. The table is a temporary one: whatever happens, nothing of it
is left behind.
"""

import struct
from collections.abc import Iterator, Mapping

from psycopg import sql

from opskit.transfer.compare import decode_field
from opskit.transfer.tables import TargetTable
from opskit.transfer.target import Connection, identifier
from opskit.transfer.wide_source import WideRow, WideValue

_WAITING = sql.Identifier("pg_temp", "opskit_wide")

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">II", 0, 0)
_TRAILER = struct.pack(">h", -1)
"""Of COPY in binary (https://www.postgresql.org/docs/15/sql-copy.html)."""


def insert_wide(connection: Connection, table: TargetTable, rows: Iterator[WideRow]) -> int:
    """Inserts rows with their values, all or none; returns how many the server took.

    Raises:
        psycopg.Error: the server refused a row or went away.
    """
    columns = sql.SQL(", ").join(sql.Identifier(one.name) for one in table.hashed)
    alike = sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT {} FROM {} WITH NO DATA")
    taken = 0
    with connection.transaction():
        connection.execute(alike.format(_WAITING, columns, identifier(table)))
        for row in rows:
            if row.block.rows:
                taken += _insert(connection, table, row)
        connection.execute(sql.SQL("DROP TABLE {}").format(_WAITING))
    return taken


def _insert(connection: Connection, table: TargetTable, row: WideRow) -> int:
    named = zip(table.columns, row.values, strict=True)
    large = {name: value for name, value in named if value is not None}
    _stream(connection, large)
    fields = zip(table.columns, row.block.lines[0].split(b"\t"), strict=True)
    values = sql.SQL(", ").join(
        _waiting(name) if name in large else sql.Placeholder() for name in table.columns
    )
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        identifier(table), sql.SQL(", ").join(map(sql.Identifier, table.columns)), values
    )
    others = [decode_field(field) for name, field in fields if name not in large]
    taken = connection.execute(statement, others).rowcount
    connection.execute(sql.SQL("TRUNCATE {}").format(_WAITING))
    return taken


def _waiting(name: str) -> sql.Composed:
    return sql.SQL("(SELECT {} FROM {})").format(sql.Identifier(name), _WAITING)


def _stream(connection: Connection, values: Mapping[str, WideValue]) -> None:
    """Makes one row of the values."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        _WAITING, sql.SQL(", ").join(map(sql.Identifier, values))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_HEADER + struct.pack(">h", len(values)))
        for value in values.values():
            copy.write(struct.pack(">i", value.size()))
            for piece in value.pieces():
                copy.write(piece)
        copy.write(_TRAILER)
