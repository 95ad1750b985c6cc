"""One moment of a PostgreSQL database: its rows, and which transactions they are the work of."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from psycopg import sql

from opskit.capture.counterpart import Counterpart
from opskit.capture.pgoutput import Key
from opskit.capture.position import lsn_of
from opskit.transfer.target import Connection, copy_out

_XIDS = 2**32


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment.

    Attributes:
        at: the server's clock.
        lsn: every transaction that is seen has its commit record before this place in the log.
        first: transactions from this number on are not seen (without the epoch).
        running: earlier ones that are not seen either.
    """

    at: datetime
    lsn: int
    first: int
    running: frozenset[int]

    def sees(self, xid: int) -> bool:
        """Are the rows those that a transaction has left? A commit can stand in the log before it is seen.

        >>> moment = Snapshot(datetime.min, 0, 20, frozenset({7}))
        >>> moment.sees(19), moment.sees(20), moment.sees(7), moment.sees(4294967290)
        (True, False, False, True)
        """
        behind = (self.first - xid) % _XIDS  # numbers are a circle: what is up to half a turn behind is past
        return 0 < behind < _XIDS // 2 and xid not in self.running


_READABLE = """
SELECT relname::text FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND relkind IN ('r', 'p')
  AND has_table_privilege(oid, 'SELECT')
"""


@contextmanager
def snapshot(connection: Connection, schema: str) -> Generator[Snapshot]:
    """All that is read inside is of one moment.

    Raises:
        psycopg.Error: the server went away.
    """
    names = [str(name) for (name,) in connection.execute(_READABLE, (schema,)).fetchall()]
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if names:
            # first of all: in an older moment, a table that has been truncated or rewritten is empty
            tables = sql.SQL(", ").join(sql.Identifier(schema, name) for name in names)
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(tables))
        row = connection.execute(
            "SELECT clock_timestamp(), pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text"
        ).fetchone()
        at, text, lsn = cast("tuple[datetime, str, str]", row)
        _, first, running = text.split(":")
        numbers = frozenset(int(one) % _XIDS for one in running.split(",") if one)
        yield Snapshot(at, lsn_of(lsn), int(first) % _XIDS, numbers)


def rows_with(connection: Connection, table: Counterpart, keys: Sequence[Key]) -> Iterator[list[bytes]]:
    """The lines of the rows that have these keys.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    columns = sql.SQL(", ").join(sql.Identifier(one.target) for one in table.key)
    values = sql.SQL(", ").join(
        sql.SQL("{}::text[]::{}[]").format([key[position] for key in keys], sql.SQL(one.kind))
        for position, one in enumerate(table.key)
    )
    asked = sql.SQL("WHERE ({}) IN (SELECT * FROM unnest({}))").format(columns, values)
    return copy_out(connection, table.target, asked)
