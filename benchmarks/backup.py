"""What `opskit backup create` costs beside what one would type, and what it costs those who write meanwhile.

    .venv/bin/python benchmarks/backup.py cost --megabytes 1000 --rounds 3
    .venv/bin/python benchmarks/backup.py stall --megabytes 200 --rounds 3

Both engines hold the same rows. Rounds are interleaved: each does all of its runs once, in random order.

`cost`: seconds and bytes beside `pg_dump -Fd -j2` and `sqlite3 .backup` with `zstd`, each as it is and with
opskit's level of compression. Opskit's backup is checked, proven by digests and synced besides. On a busy
host, look at the processors' time.

`stall`: commits of writers who write 2,000 times a second, while nothing, opskit or the other program is at
work: the slowest of all, the slowest of a thousand, and how many a second there were. A `.backup` that has
not ended after `--patience` seconds is ended.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import apsw
import psycopg

from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
WRITES = 2000
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


def nothing() -> "subprocess.Popen[bytes]":
    return start(["sleep", "5"])


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

    def start_opskit(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "opskit", "backup", "create", "--config", self.room / "opskit.yaml"]
        return start(command)

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


def size(directory: Path) -> int:
    return sum(one.stat().st_size for one in directory.rglob("*") if one.is_file())


def processor(world: World) -> float:
    """Seconds that programs and sessions of the server have worked which have ended by now."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    stat = Path(f"/proc/{world.cluster.pid}/stat").read_text().rpartition(")")[2].split()
    return ended.ru_utime + ended.ru_stime + (int(stat[13]) + int(stat[14])) / os.sysconf("SC_CLK_TCK")


def cost(world: World, rounds: int, engine: str) -> None:
    """Prints the seconds and bytes of every way, and the ratios of their medians."""
    ways: Mapping[str, Callable[[], subprocess.Popen[bytes]]] = {
        "postgresql: opskit": world.start_opskit,
        "postgresql: pg_dump -Fd -j2": world.start_dump,
        "postgresql: pg_dump -Fd -j2 -Z5": lambda: world.start_dump("-Z5"),
        "sqlite: opskit": world.start_opskit,
        "sqlite: .backup and zstd": world.start_copy,
        "sqlite: .backup and zstd -2": lambda: world.start_copy(2),
    }
    ways = {name: way for name, way in ways.items() if name.startswith(engine)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    worked: dict[str, list[float]] = {name: [] for name in ways}
    sizes: dict[str, int] = {}
    for number in range(rounds):
        for name in random.Random(number).sample([*ways], len(ways)):
            world.use(name.partition(":")[0])
            world.clear()
            begun, before = time.perf_counter(), processor(world)
            if ways[name]().wait():
                raise SystemExit(f"{name} failed")
            seconds[name].append(time.perf_counter() - begun)
            worked[name].append(processor(world) - before)
            sizes[name] = size(world.made)
            print(json.dumps({name: [round(seconds[name][-1], 2), round(worked[name][-1], 2)]}), flush=True)
    middle, work = (
        {name: statistics.median(one) for name, one in found.items()} for found in (seconds, worked)
    )
    for name in ways:
        own = f"{name.partition(':')[0]}: opskit"
        told = {
            "seconds": round(middle[name], 2),
            "of processors": round(work[name], 2),
            "megabytes": round(sizes[name] / 1e6, 1),
        }
        if name != own:
            told["opskit takes times as long"] = round(middle[own] / middle[name], 2)
            told["of processors' time"] = round(work[own] / work[name], 2)
            told["and times as much room"] = round(sizes[own] / sizes[name], 2)
        print(json.dumps({name: told}))


@dataclass(frozen=True, slots=True)
class Commits:
    """What writers saw: milliseconds of the slowest commit and of the thousandth; commits a second."""

    worst: float
    thousandth: float
    rate: float


class Writers:
    """Processes that commit 2,000 times a second together."""

    def __init__(self, engine: str, where: str) -> None:
        many = 1 if engine == "sqlite" else 4
        words = [sys.executable, Path(__file__).with_name("writer.py"), engine, where, str(WRITES // many)]
        self._processes = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(many)]

    def stop(self, begun: float, ended: float) -> Commits:
        """Ends them; what they saw of the time between two moments."""
        for process in self._processes:
            process.terminate()
        told = [json.loads(process.communicate()[0]) for process in self._processes]
        took = sorted(long for one in told for at, long in one if begun <= at + long and at <= ended)
        return Commits(
            round(took[-1] * 1e3, 1),
            round(took[-1 - len(took) // 1000] * 1e3, 1),
            round(len(took) / (ended - begun)),
        )


def stall(world: World, rounds: int, engine: str, patience: float) -> None:
    """Prints what writers see while nothing, opskit, or the other program is at work."""
    ways: Mapping[str, Callable[[], subprocess.Popen[bytes]]] = {
        "postgresql: nothing": nothing,
        "postgresql: opskit": world.start_opskit,
        "postgresql: pg_dump -Fd -j2": world.start_dump,
        "sqlite, WAL: nothing": nothing,
        "sqlite, WAL: opskit": world.start_opskit,
        "sqlite, WAL: .backup and zstd -3": world.start_copy,
        "sqlite, rollback journal: nothing": nothing,
        "sqlite, rollback journal: opskit": world.start_opskit,
        "sqlite, rollback journal: .backup and zstd -3": world.start_copy,
    }
    ways = {name: way for name, way in ways.items() if name.startswith(engine)}
    found: dict[str, list[Commits]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in random.Random(number).sample([*ways], len(ways)):
            used = "sqlite" if name.startswith("sqlite") else "postgresql"
            world.use(used)
            world.journal("WAL" if "WAL" in name else "DELETE")
            world.clear()
            found[name].append(watched(used, world, ways[name], patience))
            print(json.dumps({name: asdict(found[name][-1])}), flush=True)
    for name, commits in found.items():
        told = {
            "slowest of all, ms": max(one.worst for one in commits),
            "slowest, median of rounds": round(statistics.median(one.worst for one in commits), 1),
            "slowest in a thousand": round(statistics.median(one.thousandth for one in commits), 1),
            "commits a second": round(statistics.median(one.rate for one in commits)),
        }
        print(json.dumps({name: told}))


def watched(
    engine: str, world: World, start: Callable[[], "subprocess.Popen[bytes]"], patience: float
) -> Commits:
    """What writers see from a program's start to its end."""
    writers = Writers(engine, str(world.file) if engine == "sqlite" else world.conninfo)
    time.sleep(1.5)
    begun = time.perf_counter()
    process = start()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        print(json.dumps({"not ended after seconds": patience}))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return writers.stop(begun, time.perf_counter())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["cost", "stall"])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="", help="only this one")
    parser.add_argument("--patience", type=float, default=30)
    asked = parser.parse_args()
    with filled(asked.megabytes) as world:
        if asked.what == "cost":
            cost(world, asked.rounds, asked.engine)
        else:
            stall(world, asked.rounds, asked.engine, asked.patience)


if __name__ == "__main__":
    main()
