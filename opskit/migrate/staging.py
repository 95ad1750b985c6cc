"""The staging schema: a migration builds there, and moves everything out in one go when it is proven."""

from collections.abc import Container, Iterable

import psycopg
from psycopg import sql

from opskit.errors import Busy
from opskit.migrate.facts import STAGING
from opskit.migrate.steps import Publish
from opskit.schema.names import quote
from opskit.transfer.target import Connection

_LOCK = 0x6F70736B_6974_0001
"""Key of the advisory lock ("opskit", 1) that keeps two migrations out of one target database."""

_MOVE_TABLE = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
_MOVE_VIEW = sql.SQL("ALTER VIEW {} SET SCHEMA {}")
_MOVE_FUNCTION = sql.SQL("ALTER FUNCTION {}() SET SCHEMA {}")
_FIX_PATH = sql.SQL("ALTER FUNCTION {}() SET search_path = {}, pg_temp")
_DROP_TABLE = sql.SQL("DROP TABLE IF EXISTS {} CASCADE")
_DROP_VIEW = sql.SQL("DROP VIEW IF EXISTS {} CASCADE")
_DROP_FUNCTION = sql.SQL("DROP FUNCTION IF EXISTS {}() CASCADE")


def lock_target(connection: Connection, name: str) -> None:
    """Keeps other migrations out of the target database for as long as the connection lives.

    Waits a moment: the server session of a run that has just ended or lost its connection may linger.

    Raises:
        Busy: another migration is at work there.
    """
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '3s'")
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable:
        raise Busy.of(
            "busy", f"another migration is at work in database {name}", hint="wait for it to end"
        ) from None


def prepare_staging(connection: Connection) -> None:
    """Makes an empty staging schema, in which statements without a schema then make their objects."""
    drop_staging(connection)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(STAGING)))
    connection.execute("SELECT set_config('search_path', %s, false)", (f"{STAGING}, pg_catalog",))


def set_generator(connection: Connection, table: str, column: str, last_key: int) -> None:
    """Makes the generator of a staged column go on after `last_key`."""
    name = f"{quote(STAGING)}.{quote(table)}"
    connection.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (name, column, last_key))


def analyze(connection: Connection, tables: Iterable[str]) -> None:
    """Collects statistics of staged tables."""
    for table in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(STAGING, table)))


def drop_staging(connection: Connection) -> None:
    """Removes the staging schema and all in it.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(STAGING)))


def publish(connection: Connection, step: Publish, left_out: Container[str]) -> None:
    """Moves everything from staging to its schema and drops staging, all or nothing.

    Trigger functions name no schema: where they look is fixed here.

    Args:
        left_out: views and functions that were planned and not made.
    """
    target = sql.Identifier(step.schema)
    moved = ((_MOVE_TABLE, step.tables), (_MOVE_VIEW, step.views), (_MOVE_FUNCTION, step.functions))
    with connection.transaction():
        for statement, names in moved:
            for name in names:
                if name not in left_out:
                    connection.execute(statement.format(sql.Identifier(STAGING, name), target))
        for name in step.functions:
            if name not in left_out:
                connection.execute(_FIX_PATH.format(sql.Identifier(step.schema, name), target))
        drop_staging(connection)


def unpublish(connection: Connection, step: Publish) -> None:
    """Drops what `publish` moved, if it did; right only because the schema was empty before.

    While the staging schema stands, nothing was moved: what stands in the schema then is somebody else's.
    """
    dropped = ((_DROP_VIEW, step.views), (_DROP_TABLE, step.tables), (_DROP_FUNCTION, step.functions))
    with connection.transaction():
        if connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = %s", (STAGING,)).fetchone():
            return
        for statement, names in dropped:
            for name in names:
                connection.execute(statement.format(sql.Identifier(step.schema, name)))
