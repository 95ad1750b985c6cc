"""An application that has moved to PostgreSQL, and the SQLite file that follows it."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import psycopg
from psycopg.conninfo import conninfo_to_dict

from opskit.errors import OpskitError
from opskit.host.private_cluster import PrivateCluster
from opskit.runs.standby_state import State
from opskit.standby.cycle import Cycle
from opskit.standby.follower import Follower
from opskit.standby.window import Window, slot_name
from tests.support import Opskit, make_sqlite


def until(follower: Follower, holds: Callable[[State], bool], seconds: float = 30) -> State:
    """Lets a follower look until its state is as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        follower.look()
        if holds(follower.state):
            return follower.state
        assert time.monotonic() < deadline, follower.state
        time.sleep(0.02)


class World:
    """One database on both sides.

    Attributes:
        source: the file that the application had; `file`: the one that follows.
    """

    def __init__(self, cluster: PrivateCluster, name: str, directory: Path) -> None:
        self.cluster = cluster
        self.name = name
        self.source = directory / "application.db"
        self.file = directory / "standby" / "main.db"
        self.opskit = Opskit(directory / "state")
        self._connection: psycopg.Connection[Any] | None = None
        self._followers: list[Follower] = []

    def moved(self, script: str, *inserts: tuple[str, Sequence[Sequence[Any]]]) -> None:
        """Makes the application's file and migrates it."""
        make_sqlite(self.source, script, *inserts)
        self.move()

    def move(self) -> None:
        """Migrates the application's file."""
        done = self.opskit("migrate", self.source, self.cluster.conninfo(self.name, "opskit_owner"), "--yes")
        assert done.code == 0, done.stderr

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What the application does on PostgreSQL."""
        cursor = self.application.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    @property
    def application(self) -> "psycopg.Connection[Any]":
        """The application's session."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self.cluster.conninfo(self.name, "application"), autocommit=True
            )
        return self._connection

    def own(self, statement: str) -> None:
        """What the owner of the tables does."""
        with psycopg.connect(self.cluster.conninfo(self.name, "opskit_owner"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def superuser(self, statement: str) -> None:
        """What the administrator does."""
        with psycopg.connect(self.cluster.conninfo(self.name), autocommit=True) as connection:
            connection.execute(statement.encode())

    @property
    def configuration_file(self) -> Path:
        """Where `configuration` writes."""
        return self.source.with_name("opskit.yaml")

    def window(self, *, small: int = 0) -> Window:
        """The way back; through the log, unless the database is as small as that."""
        return Window(
            "main",
            self.source,
            self.file,
            self.file.with_suffix(".json"),
            conninfo_to_dict(self.cluster.conninfo(self.name, "opskit_standby")),
            conninfo_to_dict(self.cluster.conninfo(self.name, "opskit_owner")),
            slot=slot_name("main", self.name, "public"),
            publication=slot_name("main", self.name, "public"),
            small=small,
            seconds=3600,
        )

    def follower(self, *, small: int = 0) -> Follower:
        """A follower, closed at the end."""
        follower = Follower(self.window(small=small), lambda _: None)
        self._followers.append(follower)
        return follower

    def follow(self, *, small: int = 0) -> Cycle:
        """Takes over everything once, in a session of its own."""
        follower = Follower(self.window(small=small), lambda _: None)
        try:
            return follower.drain()
        finally:
            follower.close()

    def settle(self, follower: Follower) -> None:
        """Takes over everything, once the server is there again."""
        for _ in range(100):
            with suppress(OpskitError, psycopg.Error):
                follower.drain()
                return
            follower.close()
            time.sleep(0.1)
        raise AssertionError(follower.state)

    def configuration(self, engine: str = "postgresql") -> Path:
        """An opskit.yaml for processes, of an application that runs on that engine."""
        environment = self.source.with_name(".env")
        environment.write_text(f"DATABASE_TYPE={engine}\n")
        self.configuration_file.write_text(f"""
application: {{env_file: {environment}}}
databases: {{main: {{sqlite: {self.source}, postgresql: {self.name}}}}}
postgresql: {{host: {self.cluster.socket_directory}, port: {self.cluster.port}, user: application}}
rollback: {{directory: {self.file.parent}, small: 0}}
state_dir: {self.opskit.state_dir}
""")
        return self.configuration_file

    def has_followed(self) -> bool:
        """Is there a first whole copy?"""
        if not self.file.exists():
            return False
        return bool(self.rows("SELECT 1 FROM sqlite_schema WHERE name = 'opskit_standby'"))

    def rows(self, query: str, file: Path | None = None) -> list[tuple[Any, ...]]:
        """What the application would read from the file that follows, or another."""
        connection = apsw.Connection(str(file or self.file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def verified(self) -> bool:
        """Does `opskit verify` find both sides equal?"""
        self.file.with_name("copy.db").unlink(missing_ok=True)
        copy = apsw.Connection(str(self.file.with_name("copy.db")))
        try:
            source = apsw.Connection(str(self.file), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                with copy.backup("main", source, "main") as backup:
                    backup.step(-1)
            finally:
                source.close()
            copy.execute("DROP TABLE opskit_standby; DROP TABLE opskit_habits")
        finally:
            copy.close()
        target = self.cluster.conninfo(self.name, "opskit_owner")
        done = self.opskit("verify", self.file.with_name("copy.db"), target, "-o", "json")
        tables = done.document["result"]["databases"][0]["tables"]
        return all(table["equal"] for table in tables)

    def close(self) -> None:
        """Ends all sessions."""
        for follower in self._followers:
            follower.close()
        if self._connection is not None:
            self._connection.close()
        self.opskit.kill()
