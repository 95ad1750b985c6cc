"""An application with a database on each engine, its configuration, and opskit beside it."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.disks import FILLER
from tests.support import Opskit, Result, make_sqlite, query

SQLITE = """
PRAGMA journal_mode = WAL;
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, photo BLOB, weight REAL);
CREATE TABLE "odd ""name" (a, b, PRIMARY KEY (a)) WITHOUT ROWID;
CREATE TABLE empty (x);
CREATE VIRTUAL TABLE words USING fts5(text);
CREATE VIEW names AS SELECT name FROM users;
WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < 3000)
INSERT INTO users SELECT value, 'user ' || value, randomblob(value % 50), value / 3.0 FROM n;
INSERT INTO users VALUES (9001, CAST(x'ff00fe' AS TEXT), zeroblob(200000), 1e300);
INSERT INTO "odd ""name" VALUES (1, NULL), ('1', x'00');
INSERT INTO words VALUES ('hello world');
"""

POSTGRESQL = """
CREATE SCHEMA shop;
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, price money,
                    at timestamptz, twice int GENERATED ALWAYS AS (1 + 1) STORED);
INSERT INTO users (name, price, at)
    SELECT 'user ' || n, n, timestamptz '2026-01-01' + n * interval '1 min' FROM generate_series(1, 3000) n;
CREATE TABLE shop."Odd ""name" (data bytea, tags text[]);
INSERT INTO shop."Odd ""name" VALUES ('\\x00ff', '{a,"b c"}'), (NULL, NULL);
CREATE TABLE parts (at date, n int) PARTITION BY RANGE (at);
CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO parts VALUES ('2026-05-01', 1);
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
CREATE EXTENSION pg_trgm;
CREATE INDEX ON users USING gin (name gin_trgm_ops);
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN short AS text CHECK (length(value) < 9);
CREATE FUNCTION shout(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)';
CREATE TABLE typed (m mood, s short, u uuid, j jsonb, r int4range, x xml, i interval, n numeric, f float8,
                    c text CHECK (shout(c) <> ''));
INSERT INTO typed VALUES ('glad', 'abc', '00000000000000000000000000000001', '{"b": 1, "a": [2]}', '[1,2)',
                          '<a/>', '1 mon 2 days', 'NaN', '-0', 'tab\ttext');
INSERT INTO typed (m) VALUES (NULL);
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM users;
"""


@dataclass(frozen=True, slots=True)
class World:
    """The application and opskit.

    Attributes:
        file: the application's SQLite file.
        backups: the directory of the backups.
    """

    opskit: Opskit
    directory: Path
    file: Path
    database: TestDatabase

    @property
    def backups(self) -> Path:
        return self.directory / "backups"

    def use(self, engine: str) -> None:
        """Puts the application on an engine."""
        (self.directory / ".env").write_text(f"DATABASE_TYPE={engine}\n")

    @property
    def engine(self) -> str:
        """What the application is on."""
        return (self.directory / ".env").read_text().strip().partition("=")[2]

    def configure(self, **backup: object) -> None:
        """Changes the section `backup` of the configuration."""
        self._change("backup", backup)

    def reach(self, **parameters: object) -> None:
        """Changes how the server is reached."""
        self._change("postgresql", parameters)

    def add_database(self, name: str, **database: object) -> None:
        """Adds a database to the configuration."""
        self._change("databases", {name: {key: str(value) for key, value in database.items()}})

    def _change(self, section: str, values: Mapping[str, object]) -> None:
        file = self.directory / "opskit.yaml"
        document = json.loads(file.read_text())
        document[section] |= values
        file.write_text(json.dumps(document))

    def programs(self, name: str, script: str) -> str:
        """A PATH on which a program is another one."""
        directory = self.directory / "programs"
        directory.mkdir()
        file = directory / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o700)
        return f"{directory}:{os.environ['PATH']}"

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """`opskit backup …` while it runs."""
        return self.opskit.start("backup", *arguments, "--config", self.directory / "opskit.yaml")

    def drop_kept(self) -> None:
        """Removes the databases that restores have kept."""
        kept = f"SELECT datname FROM pg_database WHERE datname LIKE '{self.database.name}_before%'"
        for (name,) in query(self.database, kept):
            query(self.database, f"DROP DATABASE {name} WITH (FORCE)")

    def __call__(self, *arguments: str | Path) -> Result:
        """Runs `opskit backup …`."""
        return self.opskit("backup", *arguments, "--config", self.directory / "opskit.yaml")

    def done(self, *arguments: str | Path) -> dict[str, Any]:
        """The result of a command that succeeds."""
        result = self(*arguments, "-o", "json")
        assert result.code == 0, result.stderr
        return result.document["result"]

    def create(self) -> str:
        """Makes a backup and returns its name."""
        (made,) = self.done("create")["backups"]
        return made["id"]

    def names(self) -> list[str]:
        """The backups that are listed."""
        return [one["id"] for one in self.done("list")["backups"]]

    def leftovers(self) -> list[str]:
        """What stands in the directories of the backups and of the application that has no business there."""
        kept = {"records", FILLER, *self.names()}
        strange = [one.name for one in self.backups.iterdir() if one.name not in kept]
        beside = [one.name for one in self.file.parent.iterdir() if ".scratch" in one.name]
        aside = f"SELECT datname FROM pg_database WHERE datname LIKE 'opskit_restoring_{self.database.name}%'"
        databases = query(self.database, aside)
        return strange + beside + [name for (name,) in databases]


def make_world(opskit: Opskit, directory: Path, cluster: PrivateCluster, database: TestDatabase) -> World:
    """The application on SQLite, with its own content on each engine."""
    (directory / "data").mkdir()
    file = make_sqlite(directory / "data" / "app.db", SQLITE)
    with psycopg.connect(database.conninfo) as connection:
        connection.execute(POSTGRESQL.encode())
    configuration = {
        "databases": {"main": {"sqlite": str(file), "postgresql": database.name}},
        "postgresql": {
            "host": str(cluster.socket_directory),
            "port": cluster.port,
            "user": cluster.superuser,
        },
        "application": {"env_file": str(directory / ".env")},
        "backup": {"directory": str(directory / "backups")},
    }
    (directory / "opskit.yaml").write_text(json.dumps(configuration))
    world = World(opskit, directory, file, database)
    world.use("sqlite")
    return world
