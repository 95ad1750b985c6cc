"""Lets the server itself make what a design says, to be read as it prints it, and takes everything back."""

from collections.abc import Sequence

import psycopg

from opskit.schema.design import Design
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.target_schema import TargetSchema
from opskit.transfer.refusals import NOT_ALLOWED, is_refusal, scratch_schema
from opskit.transfer.target import Connection, server_words


class CannotRemake(Exception):
    """The server does not allow it here; the text says why."""


def remake(connection: Connection, design: Design, beside: str) -> TargetSchema:
    """The designed objects, without rows, as the server prints them; what it refuses is missing.

    Args:
        beside: the schema whose objects the server prints without a prefix when it prints the target.

    Raises:
        CannotRemake: the role may not create schemas, or the server is read-only or short of locks.
        psycopg.Error: the server failed or went away.
    """
    schema = f"opskit_expected_{connection.info.backend_pid}"
    try:
        with scratch_schema(connection, schema):
            _make(connection, _statements(design))
            return read_target_schema(connection, schema, beside)
    except NOT_ALLOWED as error:
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
