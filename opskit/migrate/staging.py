"""The staging schema: a migration builds there, and moves everything out in one go when it is proven."""

import zlib
from collections.abc import Container, Iterable
from contextlib import suppress
from importlib.resources import files
from typing import LiteralString

import psycopg
from psycopg import sql

from opskit.capture.following import forget, keep_followed
from opskit.errors import Busy
from opskit.migrate.facts import TargetFacts
from opskit.migrate.steps import Prepare, Publish, SetGenerator
from opskit.schema.names import quote
from opskit.transfer.target import Connection

_LOCK = 0x6F70736B
"""First key of the advisory lock ("opsk") that keeps two migrations out of one schema; the second is the hash
of its name."""

_INDEX_MEMORY = 256 * 1024
"""Kilobytes that building an index takes at least: enough to sort some million keys without a file."""

_REMAINS = (files("opskit.migrate") / "sql" / "remains.sql").read_bytes()

_MOVE_TABLE = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
_MOVE_VIEW = sql.SQL("ALTER VIEW {} SET SCHEMA {}")
_MOVE_FUNCTION = sql.SQL("ALTER FUNCTION {}() SET SCHEMA {}")
_GIVE_TABLE = sql.SQL("ALTER TABLE {} OWNER TO {}")
_GIVE_VIEW = sql.SQL("ALTER VIEW {} OWNER TO {}")
_GIVE_FUNCTION = sql.SQL("ALTER FUNCTION {}() OWNER TO {}")
_LET_IN = sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}")
_FIX_PATH = sql.SQL("ALTER FUNCTION {}() SET search_path = {}, pg_temp")
_DROP_TABLE = sql.SQL("DROP TABLE IF EXISTS {} CASCADE")
_DROP_VIEW = sql.SQL("DROP VIEW IF EXISTS {} CASCADE")
_DROP_FUNCTION = sql.SQL("DROP FUNCTION IF EXISTS {}() CASCADE")


_END_SESSIONS: LiteralString = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %s
"""


def worker_settings(schema: str, staging: str, target: TargetFacts) -> dict[str, str]:
    """How a worker's session is set: as any that builds, and found by its name when it lingers."""
    return {
        **session_settings(staging, target),
        "application_name": _worker_name(schema),
        "max_parallel_maintenance_workers": "0",  # the cores are taken
    }


def _worker_name(schema: str) -> str:
    """Short ASCII, because the server cuts and masks application names."""
    return f"opskit migrate worker {zlib.crc32(schema.encode()):08x}"


def session_settings(staging: str, target: TargetFacts) -> dict[str, str]:
    """How a session that builds is set: statements without a schema make their objects in staging."""
    return {
        "search_path": f"{quote(staging)}, pg_catalog",
        # the publication's commit waits for the disk, and with it for everything before
        "synchronous_commit": "off",
        "maintenance_work_mem": f"{max(target.index_memory, _INDEX_MEMORY)}kB",
        # less processor time than pglz; what comes later is compressed as the server is set
        **({"default_toast_compression": "lz4"} if target.has_lz4 else {}),
    }


def lock_target(connection: Connection, name: str, schema: str) -> None:
    """Keeps other migrations out of the target schema for as long as the connection lives.

    Waits a moment: the server session of a run that has just ended or lost its connection may linger. So may
    those of its workers, which could still finish an index: they are ended.

    Raises:
        Busy: another migration is at work there.
    """
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '3s'")
            connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_LOCK, schema))
        connection.execute(_END_SESSIONS, (_worker_name(schema),))
    except psycopg.errors.LockNotAvailable:
        raise Busy.of(
            "busy", f"another migration is at work in database {name}", hint="wait for it to end"
        ) from None


def prepare_staging(connection: Connection, staging: str) -> None:
    """Makes an empty staging schema."""
    drop_staging(connection, staging)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(staging)))


def clear_staging(connection: Connection, step: Prepare) -> None:
    """Removes what a killed migration left in staging, but for whole tables with their indexes and keys."""
    wanted = {"staging": step.staging, "kept": list(step.kept)}
    for (statement,) in connection.execute(_REMAINS, wanted).fetchall():
        connection.execute(str(statement).encode())


def set_generator(connection: Connection, staging: str, step: SetGenerator) -> None:
    """Makes the generator of a staged column go on after the last key."""
    name = f"{quote(staging)}.{quote(step.table)}"
    setting = "SELECT setval(pg_get_serial_sequence(%s, %s), %s)"
    connection.execute(setting, (name, step.column, step.last_key))


def drop_staging(connection: Connection, staging: str) -> None:
    """Removes the staging schema and all in it.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(staging)))


def publish(connection: Connection, step: Publish, left_out: Container[str]) -> None:
    """Moves everything from staging to its schema and drops staging, all or nothing.

    Trigger functions name no schema: where they look is fixed here.

    Args:
        left_out: views and functions that were planned and not made.
    """
    target = sql.Identifier(step.schema)
    views = [name for name in step.views if name not in left_out]
    functions = [name for name in step.functions if name not in left_out]
    moved = ((_MOVE_TABLE, step.tables), (_MOVE_VIEW, views), (_MOVE_FUNCTION, functions))
    with connection.transaction():
        connection.execute("SET LOCAL synchronous_commit = on")
        if step.new_schema:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(target))
        for statement, names in moved:
            for name in names:
                connection.execute(statement.format(sql.Identifier(step.staging, name), target))
        for name in functions:
            connection.execute(_FIX_PATH.format(sql.Identifier(step.schema, name), target))
        if step.heir:
            given = ((_GIVE_TABLE, step.tables), (_GIVE_VIEW, views), (_GIVE_FUNCTION, functions))
            _give(connection, step, given, sql.Identifier(step.heir))
        if step.followed:
            keep_followed(connection, step.schema, step.followed)
        drop_staging(connection, step.staging)


def _give(
    connection: Connection,
    step: Publish,
    given: Iterable[tuple[sql.SQL, Iterable[str]]],
    heir: sql.Identifier,
) -> None:
    """Makes the heir the owner of what was published; into a schema that is new, it is let in."""
    if step.new_schema:
        connection.execute(_LET_IN.format(sql.Identifier(step.schema), heir))
    for statement, names in given:
        for name in names:
            connection.execute(statement.format(sql.Identifier(step.schema, name), heir))


def unpublish(connection: Connection, step: Publish) -> None:
    """Drops what `publish` moved, if it did; right only because the schema was empty before.

    While the staging schema stands, nothing was moved: what stands in the schema then is somebody else's.
    """
    dropped = ((_DROP_VIEW, step.views), (_DROP_TABLE, step.tables), (_DROP_FUNCTION, step.functions))
    with connection.transaction():
        if connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = %s", (step.staging,)
        ).fetchone():
            return
        for statement, names in dropped:
            for name in names:
                connection.execute(statement.format(sql.Identifier(step.schema, name)))
        if step.followed:
            forget(connection, step.schema)
        if step.new_schema:
            with suppress(psycopg.errors.DependentObjectsStillExist), connection.transaction():
                connection.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(step.schema)))
