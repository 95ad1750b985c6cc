"""What a PostgreSQL database holds, in one snapshot: its properties, and rows and digest of every table."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

import psycopg

from opskit.backup.manifest import PostgresqlOrigin, TableSum
from opskit.backup.server import Server, failure
from opskit.runs.progress import Progress
from opskit.schema.names import quote
from opskit.transfer.digest import Digest, digest, total
from opskit.transfer.tables import TargetTable
from opskit.transfer.target import Connection, copy_out

SETTINGS = {"lc_monetary": "C", "row_security": "off", "lock_timeout": "5min"}
"""One spelling of money, an error rather than a part of the rows, and no endless wait behind a rewrite."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A database at one moment; `name` lets other sessions of the server see the same."""

    server: Server
    connection: Connection
    name: str

    def origin(self, programs: int) -> PostgresqlOrigin:
        """What a dump of it is taken from.

        Args:
            programs: the major version of those that dump.
        """
        connection = self.connection
        size, owner, encoding, collate, ctype, icu = _rows(connection, "properties")[0]
        return PostgresqlOrigin(
            self.server.place,
            self.server.database,
            cast("int", size),
            *cast("tuple[str, str, str, str]", (owner, encoding, collate, ctype)),
            cast("str | None", icu),
            tuple(cast("list[tuple[str, str, bool]]", _rows(connection, "rights"))),
            tuple(cast("list[tuple[str, str]]", _rows(connection, "settings"))),
            tuple(cast("str", role) for (role,) in _rows(connection, "roles")),
            programs,
        )

    def tables(self) -> tuple[TargetTable, ...]:
        """The tables whose rows a dump holds."""
        found = cast("list[tuple[str, str, list[str]]]", _rows(self.connection, "tables"))
        return tuple(TargetTable(schema, name, tuple(columns)) for schema, name, columns in found)

    def emptied(self) -> frozenset[tuple[str, str]]:
        """Those that come back without a row: while a server recovers, nobody can read the unlogged ones."""
        found = cast("list[tuple[str, str, bool]]", _rows(self.connection, "unlogged_tables"))
        return frozenset((schema, name) for schema, name, readable in found if not readable)


@contextmanager
def snapshot(server: Server) -> Generator[Snapshot]:
    """One moment of a database, held for the block.

    Raises:
        ConnectionFailed: the server cannot be reached.
        QueryFailed: it failed on the way.
    """
    connection = server.connect(SETTINGS)
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            pinned = server.pinned(connection)
            yield Snapshot(
                pinned, connection, str(_one(connection, "SELECT pg_catalog.pg_export_snapshot()"))
            )
    except psycopg.Error as error:
        raise failure(server, error) from error
    finally:
        connection.close()


def table_sums(found: Snapshot, progress: Progress, still: Callable[[], None]) -> Iterator[TableSum]:
    """Rows and digest of every table.

    Args:
        still: called now and then; raises when it is of no use to go on.
    """
    emptied = found.emptied()
    for table in found.tables():
        task = f"digest {table.name}"
        progress.begin(task, 0)
        parts: list[Digest] = []
        for lines in () if (table.schema, table.name) in emptied else copy_out(found.connection, table):
            still()
            parts.append(digest(lines))
            progress.advance(task, len(lines))
        progress.end(task)
        yield TableSum.of(f"{quote(table.schema)}.{quote(table.name)}", total(parts))


def _rows(connection: Connection, name: str) -> list[tuple[object, ...]]:
    return connection.execute(query(name)).fetchall()


def _one(connection: Connection, statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


@cache
def query(name: str) -> bytes:
    """The text of sql/NAME.sql, as the bytes that the driver sends."""
    return (files("opskit.backup") / "sql" / f"{name}.sql").read_bytes()
