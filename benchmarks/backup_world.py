"""An application with the same mail-like content on each engine, to back up."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw
import psycopg

from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
TEXT = (
    "invoice order customer delivery account please find attached thank you regards meeting tomorrow price"
    " offer the of and to in is that for it as was with be by on not he his but at are this have from or had"
)
WORDS = TEXT.split()
TABLES = {"emails": 6, "events": 3, "products": 1}
"""Their shares of the rows."""

SQLITE = "".join(
    f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, sender TEXT, body TEXT, score REAL, at TEXT);"
    for name in TABLES
)
INDEXES = "".join(
    f"CREATE INDEX {name}_sender ON {name} (sender); CREATE INDEX {name}_at ON {name} (at);"
    for name in TABLES
)
POSTGRESQL = SQLITE.replace("INTEGER", "bigint").replace("REAL", "float8").replace("at TEXT", "at timestamp")
WRITTEN = "CREATE TABLE written (id {}, who INTEGER, what TEXT)"


def start(command: Sequence[str | Path]) -> "subprocess.Popen[bytes]":
    """A program in a process group of its own, silent."""
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


Row = tuple[int, str, str, float, str]


def table_rows(name: str, count: int) -> Iterator[Row]:
    """Rows of mail-like text, the same at every call; some 400 bytes each."""
    chance = random.Random(name)
    text = " ".join(chance.choices(WORDS, k=4_000_000))  # so long that no compression finds a part again
    for number in range(count):
        begin = chance.randrange(len(text) - 500)
        body = text[begin : begin + chance.randrange(50, 500)]
        at = f"2025-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02} 10:{number % 60:02}:00"
        yield number, f"user{chance.randrange(10**6)}@example.com", body, chance.random() * 1000, at


@dataclass(frozen=True, slots=True)
class World:
    """The application, with the same content on each engine."""

    room: Path
    cluster: PrivateCluster

    @property
    def file(self) -> Path:
        return self.room / "app.db"

    @property
    def conninfo(self) -> str:
        return self.cluster.conninfo("app")

    def use(self, engine: str) -> None:
        (self.room / ".env").write_text(f"DATABASE_TYPE={engine}\n")

    def journal(self, mode: str) -> None:
        """Has the SQLite file written with a WAL or with a rollback journal."""
        connection = apsw.Connection(str(self.file))
        connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
        connection.close()

    def start_opskit(self, *words: str) -> "subprocess.Popen[bytes]":
        """`opskit backup`, which makes one unless told otherwise."""
        told = ["backup", *(words or ["create"]), "--config", self.room / "opskit.yaml"]
        return start([sys.executable, "-m", "opskit", *told])

    def drill(self) -> None:
        """Restores the only backup and compares every table's rows and digest with what its snapshot had."""
        (backup,) = (one for one in self.made.iterdir() if one.name != "records")
        if self.start_opskit("verify", backup.name, "--level", "drill").wait():
            raise SystemExit(f"{backup.name} does not come back as it was")

    def start_dump(self, *words: str) -> "subprocess.Popen[bytes]":
        to = self.made / "dump"
        return start([PROGRAMS / "pg_dump", "-Fd", "-j2", *words, "-f", to, "-d", self.conninfo])

    def start_copy(self, level: int = 3) -> "subprocess.Popen[bytes]":
        copy = self.made / "copy.db"
        script = f"sqlite3 {self.file} '.backup {copy}' && zstd -q -{level} --rm {copy}"
        return start(["sh", "-c", script])

    @property
    def made(self) -> Path:
        """Where whatever is made goes; empty before every run."""
        return self.room / "made"

    def clear(self) -> None:
        """No run pays for what another has left to be written."""
        shutil.rmtree(self.made, ignore_errors=True)
        self.made.mkdir()
        os.sync()


@contextmanager
def filled(megabytes: int) -> Iterator[World]:
    """An application of so many megabytes in SQLite."""
    with scratch_directory() as room, private_cluster(settings={"shared_buffers": "512MB"}) as cluster:
        world = World(room, cluster)
        cluster.create_database("app")
        configuration = {
            "state_dir": str(room / "state"),
            "databases": {"main": {"sqlite": str(world.file), "postgresql": "app"}},
            "postgresql": {
                "host": str(cluster.socket_directory), "port": cluster.port, "user": cluster.superuser
            },
            "application": {"env_file": str(room / ".env")},
            "backup": {"directory": str(world.made)},
        }  # fmt: skip
        (room / "opskit.yaml").write_text(json.dumps(configuration))
        fill(world, megabytes * 2400)
        yield world


def fill(world: World, count: int) -> None:
    sqlite = apsw.Connection(str(world.file))
    sqlite.execute(f"PRAGMA journal_mode = WAL; {SQLITE} {WRITTEN.format('INTEGER PRIMARY KEY')}").fetchall()
    with psycopg.connect(world.conninfo) as server, sqlite:
        server.execute((POSTGRESQL + WRITTEN.format("bigserial PRIMARY KEY")).encode())
        for name, share in TABLES.items():
            rows = count * share // sum(TABLES.values())
            sqlite.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?)", table_rows(name, rows))
            with server.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
                for row in table_rows(name, rows):
                    copy.write_row(row)
        sqlite.execute(INDEXES).fetchall()
        server.execute(INDEXES.encode())
    sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    sqlite.close()
