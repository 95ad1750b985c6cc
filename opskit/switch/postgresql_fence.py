"""The fence of a PostgreSQL schema: the application may not connect, and no session of it is left.

While its sessions are being ended it may not use the schema either, which stops those that are open at once;
afterwards it may again, because a migration gives tables to it. Set by the owner of database and schema, who
needs no more rights; `opskit provision` respects it. The comment of the schema says so to people, and keeps
what has to be given back.
"""

import re
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from opskit.errors import QueryFailed
from opskit.switch.sql import query
from opskit.transfer.awake import while_awake
from opskit.transfer.target import Connection, connect, server_words

MARK = "opskit: fenced"
"""How the comment of a fenced schema begins."""

APPLICATION_NAME = "opskit switch"
_TOOK = re.compile(r"took ([A-Z, ]*)")
_INSIDE = ("USAGE", "CREATE")
_ALL = ("CONNECT", *_INSIDE)
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Shut:
    """A role and the schema that it is shut out of."""

    role: str
    schema: str


@dataclass(frozen=True, slots=True)
class PostgresqlFence:
    """What the application's role may do, and who is still at it.

    Attributes:
        prepared: its transactions that wait for COMMIT PREPARED.
    """

    may_connect: bool
    may_use: bool
    may_create: bool
    is_superuser: bool
    owns_schema: bool
    comment: str
    sessions: int
    prepared: int

    @property
    def closed(self) -> bool:
        """Can the application do nothing here?"""
        return not (self.may_connect or self.sessions or self.prepared)


@contextmanager
def session(parameters: Mapping[str, str | int], where: str) -> Generator[Connection]:
    """The owner's session.

    Raises:
        ConnectionFailed: the server cannot be reached.
        QueryFailed: it refused, or went away.
    """
    connection = connect(parameters, APPLICATION_NAME, limit=while_awake(parameters))
    try:
        yield connection
    except psycopg.Error as error:
        message = f"{where}: PostgreSQL: {server_words(error)}"
        raise QueryFailed.of("server_refused", message, hint="see the server's log", where=where) from error
    finally:
        connection.close()


def read_fence(connection: Connection, shut: Shut) -> PostgresqlFence | None:
    """The fence as it is; None when there is no such role or schema."""
    with connection.cursor(row_factory=class_row(PostgresqlFence)) as cursor:
        return cursor.execute(query("fence"), _names(shut)).fetchone()


def close(connection: Connection, shut: Shut, says: str, patience: float) -> None:
    """Shuts the role out, and ends its sessions.

    Args:
        says: for people who read the schema's comment, in one line.
        patience: seconds within which no session may be left.

    Raises:
        QueryFailed: the role gets in all the same, or does not go.
        psycopg.Error: the server refused or went away.
    """
    found = read_fence(connection, shut)
    if found is None:
        raise _unknown(shut)
    if not found.comment.startswith(MARK):
        _shut(connection, shut, f"{MARK}, {says}; {_taken(found)}\n{found.comment}")
    found = _empty(connection, shut, patience)
    with connection.transaction():
        for statement in _changes(connection, shut, _taken_before(found, _INSIDE), give=True):
            connection.execute(statement)


def reopen(connection: Connection, shut: Shut) -> None:
    """Lets the role in again, with what it had; nothing where it was not shut out.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    found = read_fence(connection, shut)
    if found is None:
        raise _unknown(shut)
    if not found.comment.startswith(MARK):
        return
    _, _, before = found.comment.partition("\n")
    with connection.transaction():
        for statement in _changes(connection, shut, _taken_before(found, _ALL), give=True):
            connection.execute(statement)
        connection.execute(_comment(shut, before))


def _shut(connection: Connection, shut: Shut, comment: str) -> None:
    with connection.transaction():
        for statement in _changes(connection, shut, _ALL, give=False):
            connection.execute(statement)
        connection.execute(_comment(shut, comment))
        found = read_fence(connection, shut)
        if found is None or found.may_connect or found.may_use:
            raise QueryFailed.of(
                "not_fenced",
                f"role {shut.role} gets into schema {shut.schema} of {connection.info.dbname} all the same",
                hint="opskit provision gives the application rights that can be taken away",
                where=shut.role,
            )


def _empty(connection: Connection, shut: Shut, patience: float) -> PostgresqlFence:
    """Sessions that had begun before may still be at work, or not have shown yet."""
    until = time.monotonic() + patience
    while True:
        connection.execute(query("terminate"), _names(shut))
        found = read_fence(connection, shut)
        if found is not None and found.closed:
            return found
        if time.monotonic() > until:
            left = f"{found.sessions} sessions and {found.prepared} prepared transactions" if found else "it"
            raise QueryFailed.of(
                "sessions_left",
                f"{left} of {shut.role} in {connection.info.dbname} do not end",
                hint="end them (pg_stat_activity, pg_prepared_xacts), then run again",
                where=shut.role,
            )
        time.sleep(_PAUSE)


def _changes(
    connection: Connection, shut: Shut, privileges: Sequence[str], *, give: bool
) -> Iterator[sql.Composed]:
    words = sql.SQL("GRANT {} ON {} {} TO {}") if give else sql.SQL("REVOKE {} ON {} {} FROM {}")
    database, role = sql.Identifier(connection.info.dbname), sql.Identifier(shut.role)
    if "CONNECT" in privileges:
        yield words.format(sql.SQL("CONNECT"), sql.SQL("DATABASE"), database, role)
    inside = [one for one in _INSIDE if one in privileges]
    if inside:
        listed = sql.SQL(", ").join(sql.SQL("USAGE" if one == "USAGE" else "CREATE") for one in inside)
        yield words.format(listed, sql.SQL("SCHEMA"), sql.Identifier(shut.schema), role)


def _comment(shut: Shut, text: str) -> sql.Composed:
    return sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(shut.schema), text or None)


def _taken(found: PostgresqlFence) -> str:
    had = (found.may_connect, found.may_use, found.may_create)
    return f"took {', '.join(name for name, one in zip(_ALL, had, strict=True) if one)}"


def _taken_before(found: PostgresqlFence, of: Sequence[str]) -> list[str]:
    """What the fence took, as its comment says; everything, where somebody has written another."""
    took = _TOOK.search(found.comment.partition("\n")[0])
    return [one for one in of if took is None or one in took[1].split(", ")]


def _names(shut: Shut) -> dict[str, str]:
    return {"role": shut.role, "schema": shut.schema}


def _unknown(shut: Shut) -> QueryFailed:
    message = f"there is no role {shut.role}, or no schema {shut.schema}"
    return QueryFailed.of("role_missing", message, hint="run opskit provision", where=shut.role)
