"""What being watched costs an application's writers on SQLite; pairs of runs, in random order.

    .venv/bin/python benchmarks/follow.py --seconds 4 --pairs 7

Each run writes to a fresh copy of the same file as one process of the application does: short transactions
of a few statements, in WAL mode with `synchronous = NORMAL`. Ratios count; throughputs are one machine's.
"""

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import apsw

from opskit.capture.watch import begin_watch

SCRIPT = """
PRAGMA journal_mode = WAL;
CREATE TABLE emails (id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT UNIQUE, sender TEXT, subject TEXT,
                     body TEXT, received_at TIMESTAMP);
CREATE INDEX emails_sender ON emails (sender);
CREATE TABLE products (sku TEXT NOT NULL PRIMARY KEY, name TEXT, price DECIMAL(10,2), updated_at TIMESTAMP);
CREATE TABLE events (at TIMESTAMP, kind TEXT, payload TEXT);
"""
ROWS = 50_000
BODY = "x" * 800


def filled(file: Path) -> Path:
    """A database of some tens of thousands of rows."""
    connection = apsw.Connection(str(file))
    connection.execute(SCRIPT).fetchall()
    with connection:
        emails = ((f"m{i}", f"s{i % 500}", "subject", BODY) for i in range(ROWS))
        connection.executemany(
            "INSERT INTO emails (message, sender, subject, body) VALUES (?, ?, ?, ?)", emails
        )
        products = ((f"p{i}", f"product {i}", i / 100) for i in range(ROWS))
        connection.executemany("INSERT INTO products (sku, name, price) VALUES (?, ?, ?)", products)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    return file


def transactions(file: Path, seconds: float, seed: int) -> tuple[float, float]:
    """Transactions a second, and a second of the processor's."""
    chance, done = random.Random(seed), 0
    connection = apsw.Connection(str(file))
    connection.execute("PRAGMA synchronous = NORMAL").fetchall()
    begun, worked = time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < seconds:
        number = chance.randrange(ROWS)
        with connection:
            connection.execute(
                "INSERT INTO emails (message, sender, subject, body) VALUES (?, ?, ?, ?)",
                (f"new {seed} {done}", f"s{number % 500}", "subject", BODY),
            ).fetchall()
            connection.execute(
                "UPDATE emails SET subject = ? WHERE id = ?", (f"read {done}", number)
            ).fetchall()
            connection.execute("UPDATE products SET price = ? WHERE sku = ?", (done, f"p{number}")).fetchall()
            connection.execute("INSERT INTO events VALUES ('2025-01-02', 'seen', ?)", (BODY,)).fetchall()
        done += 1
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    connection.close()
    return done / seconds, done / worked


def run(original: Path, room: Path, seconds: float, seed: int, *, watched: bool) -> tuple[float, float]:
    file = room / "run.db"
    for suffix in ("", "-wal", "-shm"):
        (room / f"run.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(original, file)
    if watched:
        begin_watch(file)
    return transactions(file, seconds, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--pairs", type=int, default=7)
    asked = parser.parse_args()
    walls: list[float] = []
    works: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        original = filled(room / "original.db")
        for seed in range(asked.pairs):
            order = random.Random(seed).sample([True, False], 2)
            found = {one: run(original, room, asked.seconds, seed, watched=one) for one in order}
            wall, work = (watched / alone for watched, alone in zip(found[True], found[False], strict=True))
            walls.append(wall)
            works.append(work)
            print(
                json.dumps(
                    {
                        "unwatched": round(found[False][0]),
                        "throughput": round(wall, 3),
                        "per processor second": round(work, 3),
                    }
                )
            )
    print(
        json.dumps(
            {
                "throughput": round(statistics.median(walls), 3),
                "per processor second": round(statistics.median(works), 3),
            }
        )
    )


if __name__ == "__main__":
    main()
