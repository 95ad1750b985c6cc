"""Restores a dump into a database of another name, and swaps the two by renaming both in one transaction."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
from psycopg import sql

from opskit.backup.manifest import PostgresqlOrigin, TableSum
from opskit.backup.postgresql_content import query, snapshot, table_sums
from opskit.backup.postgresql_database import create_database
from opskit.backup.postgresql_dump import restore
from opskit.backup.restore_plan import There
from opskit.backup.server import Server, failure
from opskit.errors import Refused
from opskit.host.scratch import scratch_directory
from opskit.runs.progress import Progress
from opskit.transfer.target import Connection

MARK = "opskit: being restored"
"""The comment by which a database that a killed restore has left is known."""

_OWN_PROGRAMS = "opskit"
"""What the names of opskit's own sessions begin with: they come back by themselves."""

_MAINTENANCE = "postgres"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class DatabaseAside:
    """A new database that takes another's name once it is good; see `restore.Aside`.

    Attributes:
        server: reached as one who may make databases there.
        is_begun: a restore into it has begun and never ended; killed in between, it could not leave its mark.
    """

    server: Server
    name: str
    aside: str
    origin: PostgresqlOrigin
    is_begun: bool = False

    def there(self) -> There:
        """What is there.

        Raises:
            ConnectionFailed: the server cannot be reached.
            QueryFailed: it failed on the way.
        """
        with self._maintenance() as connection:
            found = connection.execute(query("databases"), {"names": [self.name, self.aside]}).fetchall()
            missing = connection.execute(
                query("missing_roles"), {"names": [self.origin.owner, *self.origin.roles]}
            ).fetchall()
            comments = dict(cast("list[tuple[str, str]]", found))
            if comments.get(self.aside, MARK) not in ({MARK, ""} if self.is_begun else {MARK}):
                raise Refused.of(
                    "aside_exists",
                    f"there is a database {self.aside}, which no restore has made",
                    hint="rename it, then run again",
                    where=self.aside,
                )
            return There(
                exists=self.name in comments,
                leftover=self.aside in comments,
                users=tuple(_described(role, program) for _, role, program in self._others(connection)),
                missing_roles=tuple(str(name) for (name,) in missing),
            )

    def fill(self, directory: Path, jobs: int) -> tuple[str, ...]:
        """See `restore.Aside`."""
        with self._maintenance() as connection:
            create_database(connection, self.aside, self.origin)
            _comment(connection, self.aside, MARK)
        aside = self.server.named(self.aside)
        with scratch_directory() as room:
            restore(aside, self.origin, directory, jobs, room / "pg_restore.log")
        with _session(aside) as connection:
            connection.execute("ANALYZE")
        return ()

    def sums(self, progress: Progress) -> tuple[TableSum, ...]:
        """See `restore.Aside`."""
        with snapshot(self.server.named(self.aside)) as found:
            return tuple(table_sums(found, progress, lambda: None))

    def discard(self) -> None:
        """See `restore.Aside`."""
        with self._maintenance() as connection:
            statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(statement.format(sql.Identifier(self.aside)))

    def swap(self, kept: str | None) -> None:
        """See `restore.Aside`. Opskit's own sessions are ended; others make it fail."""
        with self._maintenance() as connection:
            for _ in range(_TRIES):
                self._end_own_sessions(connection)
                try:
                    self._rename(
                        connection, [*([(self.name, kept)] if kept else []), (self.aside, self.name)]
                    )
                except psycopg.errors.ObjectInUse:  # the server has waited for five seconds
                    continue
                return
            raise self._in_use(connection)

    def swap_back(self, kept: str | None) -> None:
        """See `restore.Aside`. The swap was one transaction: it was done wholly, or not at all."""
        with self._maintenance() as connection:
            found = connection.execute(query("databases"), {"names": [self.name, self.aside]}).fetchall()
            if {name for name, _ in found} == {self.name}:
                self._rename(connection, [(self.name, self.aside), *([(kept, self.name)] if kept else [])])

    def _rename(self, connection: Connection, renames: Sequence[tuple[str, str]]) -> None:
        with connection.transaction():
            for old, new in renames:
                statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                connection.execute(statement.format(sql.Identifier(old), sql.Identifier(new)))

    def _end_own_sessions(self, connection: Connection) -> None:
        if self._others(connection):
            raise self._in_use(connection)
        for name in (self.name, self.aside):
            for pid, _, _ in _sessions(connection, name):
                connection.execute("SELECT pg_catalog.pg_terminate_backend(%s, 2000)", (pid,))

    def _in_use(self, connection: Connection) -> Refused:
        users = ", ".join(_described(role, program) for _, role, program in self._others(connection))
        return Refused.of(
            "target_in_use",
            f"{self.name} is in use: {users or 'a prepared transaction'}",
            hint="stop the application, then run again; or restore aside with --into",
            where=self.name,
        )

    def _others(self, connection: Connection) -> list[tuple[int, str, str]]:
        return [one for one in _sessions(connection, self.name) if not one[2].startswith(_OWN_PROGRAMS)]

    def _maintenance(self) -> AbstractContextManager[Connection]:
        return _session(self.server.named(_MAINTENANCE))


@contextmanager
def _session(server: Server) -> Generator[Connection]:
    connection = server.connect({})
    try:
        yield connection
    except psycopg.Error as error:
        raise failure(server, error) from error
    finally:
        connection.close()


def _sessions(connection: Connection, database: str) -> list[tuple[int, str, str]]:
    found = connection.execute(query("sessions"), {"name": database}).fetchall()
    return cast("list[tuple[int, str, str]]", found)


def _described(role: str, program: str) -> str:
    return f"{role} ({program})" if program else role


def _comment(connection: Connection, database: str, text: str | None) -> None:
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), text))
