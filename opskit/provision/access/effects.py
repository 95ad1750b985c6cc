"""Performs the steps that SQL can do, and puts them back."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from opskit.errors import QueryFailed
from opskit.provision.access.databases import (
    ChangeOwner,
    CreateDatabase,
    CreateExtension,
    CreateSchema,
    HandOver,
)
from opskit.provision.access.planning import SqlStep
from opskit.provision.access.reader import MAINTENANCE
from opskit.provision.access.rights import ChangeRights
from opskit.provision.access.roles import ClearPassword, SetPassword
from opskit.provision.access.rules import ProtectAccess, ReloadAccess, WriteAccess
from opskit.provision.access.rules_effects import AccessEffects, reload
from opskit.provision.access.statements import backwards, forwards
from opskit.provision.door import Door
from opskit.provision.host.reader import read_password
from opskit.transfer.target import Connection, server_words

_SUPERUSER: LiteralString = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
_VERIFIER: LiteralString = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"

_QUIET: LiteralString = """
SELECT set_config(name, value, true)
FROM (VALUES ('log_statement', 'none'), ('log_min_duration_statement', '-1'),
             ('log_min_error_statement', 'panic'), ('pg_stat_statements.track', 'none')) AS s (name, value)
"""
"""Even of a verifier the server's log and statistics shall know nothing; only superusers may say so."""

_HELD: LiteralString = """
SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
LIMIT 1
"""


class SqlEffects:
    """The effects on the roles, databases and access rules of one server.

    Args:
        door: looks the way in up anew, because the run itself may make the server.
    """

    def __init__(self, door: Callable[[], Door]) -> None:
        self._door = door
        self._begun: set[SqlStep] = set()
        self._verifiers: dict[str, str | None] = {}
        self._access = AccessEffects()

    def perform(self, step: SqlStep) -> None:
        """Makes it so.

        Raises:
            ConnectionFailed: the server cannot be reached.
            QueryFailed: it refused.
            FileFailed: an access file cannot be written.
        """
        with self._connected(step) as connection:
            self._begun.add(step)
            try:
                self._perform(step, connection)
            except psycopg.Error as error:
                if error.sqlstate:  # the server lives and says that nothing was done
                    self._begun.discard(step)
                raise

    def revert(self, step: SqlStep) -> None:
        """Puts it back, if it was begun; nothing is dropped that holds anything.

        Raises:
            ConnectionFailed: the server cannot be reached.
            QueryFailed: it refused, or a database that would have to go holds something.
            FileFailed: an access file cannot be written.
        """
        if step not in self._begun:
            return
        if isinstance(step, CreateDatabase):
            self._check_empty(step.database)
        with self._connected(step) as connection:
            match step:
                case SetPassword() | ClearPassword():
                    if step.role in self._verifiers:
                        _store(connection, step.role, self._verifiers[step.role])
                case WriteAccess() | ProtectAccess():
                    self._access.restore(connection, step)
                case ReloadAccess():
                    pass
                case _:
                    _execute(connection, [*backwards(step)])

    def _perform(self, step: SqlStep, connection: Connection) -> None:
        match step:
            case SetPassword():
                self._keep_verifier(connection, step.role)
                _store(connection, step.role, _verifier(connection, step))
            case ClearPassword():
                self._keep_verifier(connection, step.role)
                _store(connection, step.role, None)
            case WriteAccess():
                self._access.write(connection, step)
            case ProtectAccess():
                self._access.protect(connection, step)
            case ReloadAccess():
                reload(connection)
            case _:
                _execute(connection, [*forwards(step)])

    @contextmanager
    def _connected(self, step: SqlStep) -> Generator[Connection]:
        """A session where the step is done: databases are made from outside, all else of them inside."""
        inside = isinstance(step, CreateSchema | ChangeOwner | HandOver | CreateExtension | ChangeRights)
        database = step.database if inside else MAINTENANCE
        with self._door().connect(database) as connection:
            try:
                yield connection
            except psycopg.Error as error:
                raise QueryFailed.of(
                    "server_refused",
                    f"{step.title}: {server_words(error)}",
                    hint="see the server's log, then run again",
                    where=database,
                ) from error

    def _keep_verifier(self, connection: Connection, role: str) -> None:
        """Remembers what is stored, to put it back; only a superuser may look."""
        if _is_superuser(connection):
            ((verifier,),) = cast(
                "list[tuple[str | None]]", connection.execute(_VERIFIER, (role,)).fetchall()
            )
            self._verifiers[role] = verifier

    def _check_empty(self, database: str) -> None:
        with self._door().connect(database) as connection:
            held = connection.execute(_HELD).fetchone()
        if held is not None:
            raise QueryFailed.of(
                "database_in_use",
                f"database {database} has come to hold {held[0]} meanwhile, and is not dropped",
                hint="if nobody needs it, drop it",
                where=database,
            )


def _verifier(connection: Connection, step: SetPassword) -> str:
    """What the server stores; the password itself never leaves this process."""
    password = read_password(step.place)
    if password is None:
        raise QueryFailed.of(
            "password_missing",
            f"there is no password in {step.where}",
            hint="run again: provision makes one",
            where=step.where,
        )
    made = connection.pgconn.encrypt_password(password.encode(), step.role.encode(), b"scram-sha-256")
    return made.decode()


def _store(connection: Connection, role: str, verifier: str | None) -> None:
    """Stores a verifier, or none, unseen by the server's log and statistics."""
    with connection.transaction():
        if _is_superuser(connection):
            connection.execute(_QUIET)
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), verifier)
        connection.execute(statement)


def _is_superuser(connection: Connection) -> bool:
    return connection.execute(_SUPERUSER).fetchone() == (True,)


def _execute(connection: Connection, statements: Sequence[str]) -> None:
    """All or nothing; a single statement by itself, because databases are not made in a transaction."""
    with connection.transaction() if len(statements) > 1 else nullcontext():
        for statement in statements:
            connection.execute(statement.encode())
