"""What `opskit backup create` costs beside what one would type, and what it costs those who write meanwhile.

    .venv/bin/python -m benchmarks.backup cost --megabytes 1000 --rounds 3
    .venv/bin/python -m benchmarks.backup stall --megabytes 200 --rounds 3

Both engines hold the same rows. Rounds are interleaved: each does all of its runs once, in random order.

`cost`: seconds and bytes beside `pg_dump -Fd -j2` and `sqlite3 .backup` with `zstd`, each as it is and with
opskit's level of compression. Opskit's backup is checked, proven by digests and synced besides. On a busy
host, look at the processors' time.

`stall`: commits of writers who write 2,000 times a second, while nothing, opskit or the other program is at
work: the slowest of all, the slowest of a thousand, and how many a second there were. A `.backup` that has
not ended after `--patience` seconds is ended. Opskit's backup must then come back with the digests that were
taken in its own snapshot.
"""

import argparse
import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.backup_world import World, filled, start

WRITES = 2000


def nothing() -> "subprocess.Popen[bytes]":
    return start(["sleep", "5"])


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
            if name.endswith(": opskit"):
                world.drill()
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
