"""What being watched costs an application's writers on SQLite; pairs of runs, in random order.

    .venv/bin/python -m benchmarks.follow --seconds 4 --pairs 7

Each run writes to a fresh copy of the same file as one process of the application does, as fast as it can: in
WAL mode, with foreign keys on, with `synchronous` as told: NORMAL, then FULL, which is SQLite's own default.
Ratios count; throughputs are one machine's.

    application  the sample application's own tables, with their indexes and triggers: an e-mail comes,
                 another one is worked on, a message is written and its conversation marked
    bare         tables of few columns and hardly an index: the notes of a transaction stand on one page more,
                 which weighs the more the fewer pages the transaction itself has changed
"""

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import apsw

from opskit.capture.watch import begin_watch
from opskit.demo.sample_data import generate

BARE = """
PRAGMA journal_mode = WAL;
CREATE TABLE emails (id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT UNIQUE, sender TEXT, subject TEXT,
                     body TEXT, received_at TIMESTAMP);
CREATE INDEX emails_sender ON emails (sender);
CREATE TABLE products (sku TEXT NOT NULL PRIMARY KEY, name TEXT, price DECIMAL(10,2), updated_at TIMESTAMP);
CREATE TABLE events (at TIMESTAMP, kind TEXT, payload TEXT);
"""
ROWS = 50_000
BODY = "x" * 800

NEW_EMAIL = """
INSERT INTO emails_enhanced (id, message_id, subject, body, sender, received_at)
VALUES (?, ?, 'subject', ?, ?, datetime('now'))
"""

Statement = tuple[str, tuple[object, ...]]


def bare_file(room: Path) -> Path:
    """A database of some tens of thousands of rows."""
    file = room / "bare.db"
    connection = apsw.Connection(str(file))
    connection.execute(BARE).fetchall()
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


def bare(_connection: apsw.Connection, chance: random.Random) -> Iterator[list[Statement]]:
    for done in range(10**9):
        number = chance.randrange(ROWS)
        yield [
            (
                "INSERT INTO emails (message, sender, subject, body) VALUES (?, ?, ?, ?)",
                (f"new {done}", f"s{number % 500}", "subject", BODY),
            ),
            ("UPDATE emails SET subject = ? WHERE id = ?", (f"read {done}", number)),
            ("UPDATE products SET price = ? WHERE sku = ?", (done, f"p{number}")),
            ("INSERT INTO events VALUES ('2025-01-02', 'seen', ?)", (BODY,)),
        ]


def application_file(room: Path) -> Path:
    """The sample application's main database."""
    return generate(room, 2 * ROWS).main


def application(connection: apsw.Connection, chance: random.Random) -> Iterator[list[Statement]]:
    emails, conversations = (
        [key for (key,) in connection.execute(f"SELECT id FROM {table} ORDER BY id")]
        for table in ("emails_enhanced", "conversations")
    )
    for done in range(10**9):
        sender, conversation = f"sender{done % 500}@example.com", chance.choice(conversations)
        yield [
            (
                NEW_EMAIL,
                (str(uuid.UUID(int=chance.getrandbits(128))), f"<{done}@new>", BODY, sender),
            ),
            (
                "UPDATE emails_enhanced SET status = 'analyzed', processed_at = datetime('now') WHERE id = ?",
                (chance.choice(emails),),
            ),
            (
                "INSERT INTO messages (conversation_id, role, content, tokens) VALUES (?, 'user', ?, ?)",
                (conversation, BODY, done % 4000),
            ),
            ("UPDATE conversations SET status = 'waiting' WHERE id = ?", (conversation,)),
        ]


@dataclass(frozen=True, slots=True)
class Workload:
    """How a file is made, and the transactions that are written to it."""

    make: Callable[[Path], Path]
    transactions: Callable[[apsw.Connection, random.Random], Iterator[list[Statement]]]


WORKLOADS: Mapping[str, Workload] = {
    "application": Workload(application_file, application),
    "bare": Workload(bare_file, bare),
}


def throughput(
    workload: Workload, file: Path, synchronous: str, seconds: float, seed: int
) -> tuple[float, float]:
    """Transactions a second, and a second of the processor's."""
    connection, done = apsw.Connection(str(file)), 0
    connection.execute(f"PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON").fetchall()
    transactions = workload.transactions(connection, random.Random(seed))
    begun, worked = time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < seconds:
        with connection:
            for statement, values in next(transactions):
                connection.execute(statement, values).fetchall()
        done += 1
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    connection.close()
    return done / seconds, done / worked


def run(
    workload: Workload, original: Path, synchronous: str, seconds: float, seed: int, *, watched: bool
) -> tuple[float, float]:
    file = original.with_name("run.db")
    for suffix in ("", "-wal", "-shm"):
        original.with_name(f"run.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(original, file)
    if watched:
        begin_watch(file)
    return throughput(workload, file, synchronous, seconds, seed)


def compare(name: str, original: Path, synchronous: str, seconds: float, pairs: int) -> None:
    """Prints each pair's ratios and their medians."""
    walls: list[float] = []
    works: list[float] = []
    for seed in range(pairs):
        order = random.Random(seed).sample([True, False], 2)
        found = {
            one: run(WORKLOADS[name], original, synchronous, seconds, seed, watched=one) for one in order
        }
        wall, work = (watched / alone for watched, alone in zip(found[True], found[False], strict=True))
        walls.append(wall)
        works.append(work)
        tell({"unwatched": round(found[False][0])}, wall, work)
    tell({"workload": name, "synchronous": synchronous}, statistics.median(walls), statistics.median(works))


def tell(what: Mapping[str, object], wall: float, work: float) -> None:
    figures = {"throughput": round(wall, 3), "per processor second": round(work, 3)}
    print(json.dumps({**what, **figures}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], metavar="WORKLOAD")
    parser.add_argument("--synchronous", nargs="*", choices=["NORMAL", "FULL"], default=["NORMAL", "FULL"])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--pairs", type=int, default=7)
    asked = parser.parse_args()
    for name in asked.workloads or WORKLOADS:
        with tempfile.TemporaryDirectory() as directory:
            original = WORKLOADS[name].make(Path(directory))
            for synchronous in asked.synchronous:
                compare(name, original, synchronous, asked.seconds, asked.pairs)


if __name__ == "__main__":
    main()
