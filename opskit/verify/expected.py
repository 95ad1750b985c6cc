"""Lets the server itself make what a design says, to be read as it prints it, and takes everything back."""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from opskit.schema.design import Design
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.target_schema import TargetSchema
from opskit.transfer.target import Connection, server_words


class CannotRemake(Exception):
    """The server does not allow it here; the text says why."""


def remake(connection: Connection, design: Design, beside: str) -> TargetSchema:
    """The designed objects, without rows, as the server prints them; what it refuses is missing.

    They are made in a schema of their own in a transaction that is rolled back. Nothing of the application's
    is touched or locked.

    Args:
        beside: the schema whose objects the server prints without a prefix when it prints the target.

    Raises:
        CannotRemake: the role may not create schemas, or the server is read-only or short of locks.
        psycopg.Error: the server failed or went away.
    """
    schema = f"opskit_expected_{connection.info.backend_pid}"
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION READ WRITE")
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            connection.execute("SELECT set_config('search_path', %s, true)", (schema,))
            _make(connection, _statements(design))
            return read_target_schema(connection, schema, beside)
    except (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.ReadOnlySqlTransaction,
        psycopg.errors.FeatureNotSupported,  # a standby says this of READ WRITE
        psycopg.errors.OutOfMemory,  # of locks: max_locks_per_transaction
    ) as error:
        raise CannotRemake(server_words(error)) from error


def _statements(design: Design) -> list[str]:
    return [
        *(table.create for table in design.tables),
        *(rule.statement for rule in design.rules),
        *(view.statement for view in design.views),
        *(";\n".join(trigger.statements) for trigger in design.triggers),
    ]


def _make(connection: Connection, statements: Sequence[str]) -> None:
    """Executes all statements at once; when one is refused, halves until it is alone, and leaves it out."""
    if not statements:
        return
    try:
        with connection.transaction():
            connection.execute(";\n".join(statements).encode())
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        middle = len(statements) // 2
        if middle:
            _make(connection, statements[:middle])
            _make(connection, statements[middle:])


def is_refusal(error: psycopg.Error) -> bool:
    """Does the server object to the statement or the data, rather than being gone, full or told to stop?"""
    return (error.sqlstate or "")[:2] in {"0A", "21", "22", "23", "2B", "42", "54"}
