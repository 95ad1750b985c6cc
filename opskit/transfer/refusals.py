"""What the server objects to, told apart from its being gone, full or told to stop."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql

from opskit.schema.design import Design, Refused, TableDesign
from opskit.transfer.target import Connection, server_words

_ROWS = frozenset({"22", "23", "54"})
_STATEMENTS = frozenset({"0A", "21", "2B", "42", *_ROWS})
"""Classes of SQLSTATE (https://www.postgresql.org/docs/15/errcodes-appendix.html)."""

NOT_ALLOWED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.FeatureNotSupported,  # a standby says this of READ WRITE
    psycopg.errors.OutOfMemory,  # of locks: max_locks_per_transaction
)
"""Why `scratch_schema` may fail: not on this server, or not for this role."""


def is_refusal(error: psycopg.Error) -> bool:
    """Does the server object to the statement or the data?"""
    return (error.sqlstate or "")[:2] in _STATEMENTS


def refuses_row(error: psycopg.Error) -> bool:
    """Does the server object to the data of a row, whatever other rows there are?"""
    return (error.sqlstate or "")[:2] in _ROWS


@contextmanager
def scratch_schema(connection: Connection, name: str) -> Generator[None]:
    """A schema in which statements make their objects, in a transaction that is rolled back.

    Nothing of the application's is touched or locked.

    Raises:
        psycopg.Error: NOT_ALLOWED, or the server failed or went away.
    """
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ WRITE")
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        connection.execute("SELECT set_config('search_path', %s, true)", (name,))
        yield


def accepted(connection: Connection, drawn: Callable[[Refused], Design]) -> Design:
    """The design whose generated columns the server accepts, each tried; the others become ordinary ones.

    Args:
        drawn: makes the design without the generated columns that are refused.

    Raises:
        psycopg.Error: the server failed or went away.
    """
    wanted = drawn({})
    computed = [table for table in wanted.tables if any(one.generated for one in table.columns)]
    if not computed:
        return wanted
    refused: dict[tuple[str, str], str] = {}
    try:
        with scratch_schema(connection, f"opskit_trial_{connection.info.backend_pid}"):
            for table in computed:
                if _refusal(connection, table):
                    refused |= _refused_columns(connection, table, drawn)
    except NOT_ALLOWED:  # whoever makes the tables will be told
        return wanted
    return drawn(refused) if refused else wanted


def _refused_columns(
    connection: Connection, table: TableDesign, drawn: Callable[[Refused], Design]
) -> Mapping[tuple[str, str], str]:
    """Tries a table's generated columns one after the other, each beside those that were accepted."""
    refused = {(table.source, column.source): "" for column in table.columns if column.generated}
    for column in tuple(refused):
        del refused[column]
        words = _refusal(connection, drawn(refused).table(table.source))
        if words:
            refused[column] = words
    return refused


def _refusal(connection: Connection, table: TableDesign) -> str:
    """What the server says against a table; empty when it makes it."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(table.create.encode())
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        return server_words(error)
    return ""
