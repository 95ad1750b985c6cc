"""An application with two databases that changes sides, and what it was promised."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import psycopg

from opskit.host.private_cluster import PrivateCluster
from tests.integration.switch import application
from tests.support import Opskit, Result, finish, make_sqlite

SCRIPT = """
PRAGMA journal_mode = WAL;
CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, value INTEGER);
CREATE TABLE log (at TIMESTAMP, line TEXT);
CREATE TABLE counts (name TEXT PRIMARY KEY, writes INTEGER);
CREATE TRIGGER counted AFTER INSERT ON items BEGIN
    INSERT INTO counts VALUES (NEW.name, 1) ON CONFLICT (name) DO UPDATE SET writes = writes + 1;
END;
"""
NAMES = ("main", "walmart")
KILLED = str(Path(__file__).with_name("killed.py"))


class World:
    """Both databases on both sides.

    Attributes:
        databases: configured name → name in PostgreSQL.
    """

    def __init__(self, cluster: PrivateCluster, databases: dict[str, str], directory: Path) -> None:
        self.cluster = cluster
        self.databases = databases
        self.directory = directory
        self.opskit = Opskit(directory / "state")
        self.application = directory / "application"
        self.application.mkdir()
        for name in databases:
            make_sqlite(self.file(name), SCRIPT, ("INSERT INTO items (name, value) VALUES (?, 0)", [("a",)]))
        self.first_schema = self.schema("main")
        self._configure()

    def schema(self, name: str) -> set[tuple[str, str]]:
        """All that stands in the application's SQLite file."""
        connection = apsw.Connection(str(self.file(name)), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return set(connection.execute("SELECT name, sql FROM sqlite_schema").fetchall())
        finally:
            connection.close()

    def file(self, name: str) -> Path:
        """The application's SQLite file."""
        return self.application / f"{name}.db"

    def conninfo(self, name: str, user: str = "application") -> str:
        """The way of a role into PostgreSQL."""
        return f"{self.cluster.conninfo(self.databases[name], user)} application_name=application"

    def run(self, *arguments: str) -> Result:
        """opskit with this world's configuration."""
        return self.opskit(*arguments, "--config", self.configuration, "-o", "json")

    def run_with(self, environ: dict[str, str], *arguments: str) -> Result:
        """opskit with settings of its own."""
        command = (*arguments, "--config", str(self.configuration), "-o", "json")
        return self.opskit(*command, environ=environ)

    def killed(self, entries: int, *arguments: str) -> Result:
        """opskit, killed behind so many entries of its journal."""
        command = [sys.executable, KILLED, str(entries), *arguments]
        process = subprocess.Popen(
            [*command, "--config", str(self.configuration), "-o", "json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.opskit.environment(),
        )
        return finish(process)

    def follow(self) -> None:
        """Makes PostgreSQL follow, from the beginning."""
        for database in self.databases.values():
            with psycopg.connect(self.cluster.conninfo(database), autocommit=True) as admin:
                admin.execute("DROP TABLE IF EXISTS items, log, counts CASCADE")
                admin.execute("DROP FUNCTION IF EXISTS trigger_counted CASCADE")
        done = self.run("migrate", "--follow", "--yes")
        assert done.code == 0, done.stderr

    def start(self) -> None:
        """Starts the application."""
        subprocess.run([sys.executable, application.__file__, "start", self.application], check=True)

    def stop(self) -> None:
        """Stops it."""
        application.stop(self.application)

    def status(self) -> dict[str, Any]:
        """What `opskit status` says."""
        return self.run("status").document["result"]

    def authorities(self) -> set[str]:
        """Who takes the writes of the databases."""
        return {one["authoritative"] for one in self.status()["databases"]}

    def writable(self, name: str) -> set[str]:
        """The sides that take a write at this moment; nothing is left of the trial."""
        return {
            side
            for side, tried in (("sqlite", self._takes_sqlite), ("postgresql", self._takes_postgresql))
            if tried(name)
        }

    def lost(self, side: str) -> list[str]:
        """Acknowledged writes that are not in their last state on a side; the application pauses for it."""
        self.stop()
        lost = list(self._lost(side))
        self.start()
        return lost

    def _lost(self, side: str) -> Iterator[str]:
        acknowledged, tried = self._notes()
        for name in self.databases:
            found = self.items(name, side)
            for key, value in acknowledged[name].items():
                if found.get(key) != value and found.get(key) not in tried[name, key]:
                    yield f"{name}: {key} is {found.get(key)}, was acknowledged as {value}"

    def items(self, name: str, side: str) -> dict[str, int]:
        """What a side holds."""
        query = "SELECT name, value FROM items"
        if side == "postgresql":
            with psycopg.connect(self.conninfo(name, self.cluster.superuser)) as connection:
                return dict(connection.execute(query.encode()).fetchall())
        connection = apsw.Connection(str(self.file(name)))
        try:
            return dict(connection.execute(query).fetchall())
        finally:
            connection.close()

    def _notes(self) -> tuple[dict[str, dict[str, int]], dict[tuple[str, str], set[int]]]:
        """The last acknowledged write of each key, and the later ones whose answer never came."""
        entries = sorted(
            (
                json.loads(line)
                for file in self.application.glob("notes-*")
                for line in file.read_text().splitlines()
            ),
            key=lambda entry: (entry[2], entry[3]),
        )
        acknowledged: dict[str, dict[str, int]] = {name: {} for name in self.databases}
        tried: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for name, key, value, is_acknowledged in entries:
            if is_acknowledged:
                acknowledged[name][key] = value
                tried[name, key].clear()
            else:
                tried[name, key].add(value)
        return acknowledged, tried

    def _takes_sqlite(self, name: str) -> bool:
        connection = apsw.Connection(str(self.file(name)))
        connection.set_busy_timeout(3000)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE items SET value = value")
        except apsw.ConstraintError:
            return False
        finally:
            connection.execute("ROLLBACK")
            connection.close()
        return True

    def _takes_postgresql(self, name: str) -> bool:
        try:
            with psycopg.connect(self.conninfo(name)) as connection:
                connection.execute("UPDATE items SET value = value")
                connection.rollback()
        except psycopg.Error:
            return False
        return True

    def _configure(self) -> None:
        (self.application / ".env").write_text("# the application's\nDATABASE_TYPE=sqlite\n")
        settings = {
            name: {"sqlite": str(self.file(name)), "postgresql": self.conninfo(name)}
            for name in self.databases
        }
        (self.application / "settings.json").write_text(json.dumps(settings))
        command = f"{sys.executable}, {application.__file__}"
        databases = "".join(
            f"\n  {name}: {{sqlite: {self.file(name)}, postgresql: {one}, application_name: application}}"
            for name, one in self.databases.items()
        )
        self.configuration = self.directory / "opskit.yaml"
        self.configuration.write_text(f"""
application:
  env_file: {self.application}/.env
  stop: [{command}, stop, {self.application}]
  start: [{command}, start, {self.application}]
  patience: 20s
databases: {databases}
postgresql: {{host: {self.cluster.socket_directory}, port: {self.cluster.port}, user: application}}
migrate: {{user: opskit_owner}}
state_dir: {self.opskit.state_dir}
""")

    def close(self) -> None:
        """Ends all processes."""
        self.stop()
        self.opskit.kill()
