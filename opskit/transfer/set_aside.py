"""The table beside a table that keeps the rows which do not fit."""

from collections.abc import Iterable, Iterator

from psycopg import sql

from opskit.transfer.rejects import Reject
from opskit.transfer.tables import REJECTS_COLUMNS
from opskit.transfer.target import Connection

_CREATE = sql.SQL("CREATE TABLE {} (key text NOT NULL, reason text NOT NULL, row jsonb NOT NULL)")
_COMMENT = sql.SQL("COMMENT ON TABLE {} IS {}")
_COPY = sql.SQL("COPY {} ({}) FROM STDIN")


def make_rejects_table(connection: Connection, name: sql.Identifier, beside: str) -> None:
    """Makes the table; `beside` is the one whose rows it keeps.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    connection.execute(_CREATE.format(name))
    comment = f"Rows of {beside} that it cannot hold, set aside by opskit migrate"
    connection.execute(_COMMENT.format(name, sql.Literal(comment)))


def keep_rejects(connection: Connection, name: sql.Identifier, rejects: Iterable[Reject]) -> Iterator[Reject]:
    """Puts rows into the table, and yields each that has been handed over; the last one ends the COPY.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, REJECTS_COLUMNS))
    with connection.cursor() as cursor, cursor.copy(_COPY.format(name, columns)) as copy:
        for one in rejects:
            copy.write_row((one.key, one.reason, one.row))
            yield one
