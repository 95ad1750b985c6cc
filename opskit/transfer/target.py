"""The PostgreSQL end of the data path: a session whose output is canonical, COPY in and COPY out."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.generators import execute, fetch_many
from psycopg.pq import ExecStatus, TransactionStatus

from opskit.errors import ConnectionFailed
from opskit.transfer.deadlines import BoundedConnection, Limit, await_input
from opskit.transfer.source import Block
from opskit.transfer.tables import Hashed, TargetTable
from opskit.transfer.wide import MARK

CANONICAL = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_min_messages": "warning",
    "client_connection_check_interval": "2s",  # a statement ends soon after the process that began it
    "search_path": "pg_catalog",
}
"""Session settings under which a value has one spelling, whatever the server, database or role is set to."""

_LIST_BYTES = 256 * 1024
"""How much of a table is handed on at once."""

_CANCEL_SECONDS = 5.0

_ALL_ROWS = sql.SQL("")

Connection = psycopg.Connection[tuple[object, ...]]


def identifier(table: TargetTable) -> sql.Identifier:
    """The qualified name of a table."""
    return sql.Identifier(table.schema, table.name)


def connect(
    parameters: Mapping[str, str | int] | str,
    application_name: str,
    settings: Mapping[str, str] = MappingProxyType({}),
    limit: Limit | None = None,
) -> Connection:
    """An autocommit session with canonical settings.

    Args:
        parameters: libpq parameters, or a connection string.
        settings: further session settings, and what replaces canonical ones.
        limit: how long the server may think about what it is asked; None is as long as it likes.

    Raises:
        ConnectionFailed: the server cannot be reached or refuses; the text never holds the password.
    """
    defaults = {"connect_timeout": 10, "application_name": application_name}
    try:
        given = conninfo_to_dict(parameters) if isinstance(parameters, str) else parameters
        conninfo = make_conninfo("", **{**defaults, **given, "client_encoding": "UTF8"})
        connection = _opened(conninfo, limit)
    except psycopg.Error as error:
        raise explain(error) from error
    try:
        configure(connection, {**CANONICAL, **settings})
    except psycopg.Error as error:
        connection.close()
        raise explain(error) from error
    return connection


def _opened(conninfo: str, limit: Limit | None) -> Connection:
    if limit is None:
        return psycopg.connect(conninfo, autocommit=True)
    bounded: BoundedConnection[tuple[object, ...]] = BoundedConnection.connect(conninfo, autocommit=True)
    bounded.limit = limit
    return bounded


def configure(connection: Connection, settings: Mapping[str, str]) -> None:
    """Changes settings of the session.

    Raises:
        psycopg.Error: the server refused one, or went away.
    """
    calls = sql.SQL(", ").join(
        sql.SQL("pg_catalog.set_config({}, {}, false)").format(name, value)
        for name, value in settings.items()
    )
    connection.execute(sql.SQL("SELECT {}").format(calls))


def server_words(error: psycopg.Error) -> str:
    """What the server said, on one line: with the key at fault, without the rest of the row."""
    said = error.diag.message_primary
    if said is None:  # libpq's own words: the server is gone
        return " ".join(str(error).split())
    detail = error.diag.message_detail or ""
    return " ".join((f"{said}: {detail}" if detail.startswith("Key ") else said).split())


def explain(error: psycopg.Error) -> ConnectionFailed:
    """What a failed connection means for the operator."""
    text = " ".join(str(error).split())
    remedies = (
        ("password authentication failed", "authentication_failed", "check the user and the password"),
        (
            "no password supplied",
            "authentication_failed",
            "name the password in the configuration, PGPASSWORD or ~/.pgpass",
        ),
        ("no pg_hba.conf entry", "authentication_failed", "allow this host and user in pg_hba.conf"),
        ("permission denied", "permission_denied", "GRANT CONNECT on the database to this role"),
        ("does not exist", "missing_database_or_role", "create it, or correct its name"),
        ('missing "="', "target_malformed", "write postgresql://user@host/database"),
        ("invalid", "target_malformed", "write postgresql://user@host/database"),
    )
    for part, code, hint in remedies:
        if part in text:
            return ConnectionFailed.of(code, f"PostgreSQL: {text}", hint=hint)
    hint = "check that the server runs and that host and port are right"
    return ConnectionFailed.of("target_unreachable", f"PostgreSQL cannot be reached: {text}", hint=hint)


def copy_in(connection: Connection, table: TargetTable, blocks: Iterable[Block]) -> int:
    """Streams blocks into a table; returns the number of rows the server took.

    Raises:
        psycopg.Error: the server refused a row or went away.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        identifier(table), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in blocks:
                copy.write(block.data)
        return cursor.rowcount


def copy_out(
    connection: Connection, table: TargetTable, where: sql.Composable = _ALL_ROWS
) -> Iterator[list[bytes]]:
    """The lines of a table without their newlines, in lists of bounded size and no particular order.

    Args:
        where: what follows the table's name; all rows without it.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    hashed = {one.name: one for one in table.hashed}
    columns = sql.SQL(", ").join(_printed(name, hashed.get(name)) for name in table.columns)
    statement = sql.SQL("COPY (SELECT {} FROM {} {}) TO STDOUT").format(columns, identifier(table), where)
    with _copying(connection, statement):
        # psycopg's own iteration makes a generator a row, which takes as long as all the rest together
        yield from _lists(copied_rows(connection, end=-1))


@contextmanager
def _copying(connection: Connection, statement: sql.Composed) -> Generator[None]:
    """A COPY that has begun, and is given up unless the block has read all.

    Not psycopg's own, which holds the connection's lock: when who reads the lines fails, this generator stays
    as it is for the time being, and the end of the transaction would wait for the lock for ever.
    """
    connection.pgconn.send_query(statement.as_bytes(connection))
    for result in connection.wait(execute(connection.pgconn)):
        if result.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
    try:
        yield
    finally:
        if not connection.closed and connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
            _give_up(connection)


def _give_up(connection: Connection) -> None:
    with suppress(psycopg.Error):  # gone: the next to use the connection hears of it
        connection.cancel_safe(timeout=_CANCEL_SECONDS)
        with suppress(psycopg.Error):  # that it was canceled
            for _ in copied_rows(connection):
                pass
        connection.wait(fetch_many(connection.pgconn))


def _printed(name: str, hashed: Hashed | None) -> sql.Composable:
    """A column as a line shows it."""
    column = sql.Identifier(name)
    if hashed is None:
        return column
    stored = sql.SQL("{}" if hashed.is_bytea else "convert_to({}::text, 'UTF8')").format(column)
    return sql.SQL(
        "CASE WHEN octet_length({}) > {} THEN {} || encode(sha256({}), 'hex') ELSE {}::text END"
    ).format(column, hashed.limit, MARK, stored, column)


def _lists(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    gathered: list[bytes] = []
    size = 0
    for line in lines:
        gathered.append(line)
        size += len(line)
        if size >= _LIST_BYTES:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered


def copied_rows(connection: Connection, end: int | None = None) -> Iterator[bytes]:
    """The rows of a COPY TO STDOUT that has begun, as they come, up to `end` (-1: without the newline).

    Raises:
        psycopg.Error: the server failed on the way.
    """
    libpq = connection.pgconn
    while True:
        length, data = libpq.get_copy_data(1)
        if length > 0:
            yield bytes(data[:end])
        elif length == 0:  # nothing has come yet: wait where an interrupt is heard
            await_input(connection)
            libpq.consume_input()
        else:
            break
    for result in list(iter(libpq.get_result, None)):  # all of them: with any left it is of no more use
        if result.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
