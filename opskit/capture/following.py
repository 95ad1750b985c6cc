"""How far a PostgreSQL schema has come that follows a SQLite file, and whether a role may bring it on.

It stands beside the application's tables, in a schema of opskit's, so that rows and place move in one
transaction.
"""

from contextlib import suppress
from typing import cast

import psycopg

from opskit.capture.followed import Followed, of_text, to_text
from opskit.errors import Refused
from opskit.schema.names import quote
from opskit.transfer.target import Connection

_MAKE = """
CREATE SCHEMA IF NOT EXISTS opskit;
CREATE TABLE IF NOT EXISTS opskit.followed (
    schema text PRIMARY KEY, source text NOT NULL, number bigint NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(), tables jsonb NOT NULL);
COMMENT ON TABLE opskit.followed IS 'SQLite files that opskit migrate --follow brings into a schema';
"""
_KEEP = """
INSERT INTO opskit.followed (schema, source, number, tables) VALUES (%s, %s, %s, %s)
ON CONFLICT (schema) DO UPDATE SET source = excluded.source, number = excluded.number,
    tables = excluded.tables, at = clock_timestamp()
"""
_READ = "SELECT source, number, tables::text FROM opskit.followed WHERE schema = %s"
_LAST = "SELECT NOT EXISTS (SELECT FROM opskit.followed)"


def check_may_follow(connection: Connection) -> None:
    """Can this role write without firing the application's triggers and foreign keys?

    Raises:
        Refused: it cannot.
        psycopg.Error: the server went away.
    """
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        role = connection.info.user
        raise Refused.of(
            "permission_denied",
            f"role {role} may not set session_replication_role, without which triggers and foreign keys of"
            " the application would act on what is brought over",
            hint="run opskit provision, or as superuser:"
            f" GRANT SET ON PARAMETER session_replication_role TO {quote(role)}",
            where=role,
        ) from None


def read_followed(connection: Connection, schema: str) -> Followed | None:
    """What a schema follows, None when it follows nothing.

    Raises:
        psycopg.Error: the role may not look, or the server went away.
    """
    if connection.execute("SELECT to_regclass('opskit.followed')").fetchone() == (None,):
        return None
    row = connection.execute(_READ, (schema,)).fetchone()
    if row is None:
        return None
    source, number, kept = cast("tuple[str, int, str]", row)
    return of_text(source, number, kept)


def keep_followed(connection: Connection, schema: str, followed: Followed) -> None:
    """Notes what a schema follows from here on.

    Raises:
        psycopg.Error: the role may not, or the server went away.
    """
    connection.execute(_MAKE)
    connection.execute(_KEEP, (schema, followed.source, followed.number, to_text(followed)))


def lock_place(connection: Connection, schema: str) -> int:
    """The last note that has been passed on; nobody else passes any on until the transaction ends.

    Raises:
        psycopg.Error: the server went away.
    """
    query = "SELECT number FROM opskit.followed WHERE schema = %s FOR UPDATE"
    row = connection.execute(query, (schema,)).fetchone()
    return cast("int", row[0]) if row else 0


def move_place(connection: Connection, schema: str, number: int) -> None:
    """Notes how far the schema has come, inside the transaction that moves the rows.

    Raises:
        psycopg.Error: the server went away.
    """
    statement = "UPDATE opskit.followed SET number = %s, at = clock_timestamp() WHERE schema = %s"
    connection.execute(statement, (number, schema))


def forget(connection: Connection, schema: str) -> None:
    """The schema follows nothing any more; opskit's schema goes with the last.

    Raises:
        psycopg.Error: the role may not, or the server went away.
    """
    with connection.transaction():
        if read_followed(connection, schema) is None:
            return
        connection.execute("DELETE FROM opskit.followed WHERE schema = %s", (schema,))
        if connection.execute(_LAST).fetchone() == (True,):
            connection.execute("DROP TABLE opskit.followed")
            with suppress(psycopg.errors.DependentObjectsStillExist), connection.transaction():
                connection.execute("DROP SCHEMA opskit")
