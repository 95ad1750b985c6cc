"""What is measured: each part takes an application on PostgreSQL, and the standby that follows it."""

import argparse
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from typing import cast

import psycopg

from benchmarks.standby.world import BODY, PER_TRANSACTION, ROWS, Application, Standby, cpu, ignore
from opskit.standby.place_table import place_of


def _caught_up(application: Application, standby: Standby, write: Callable[[], None]) -> dict[str, float]:
    """What it takes to take over what was written while the standby was held."""
    before = standby.state().changes
    with standby.held():
        write()
        lsn, worked, served = application.lsn(), standby.cpu(), standby.server_cpu()
        standby.forget_peak()
    seconds = standby.catches_up(lsn)
    changes = standby.told(before)
    worked, served = standby.cpu() - worked, standby.server_cpu() - served
    return {
        "changes": changes,
        "seconds": round(seconds, 2),
        "changes/s": round(changes / seconds),
        "changes/processor second": round(changes / worked),
        "of the server's": round(changes / served),
        "peak MB": round(standby.peak(), 1),
    }


def backlog(application: Application, standby: Standby, asked: argparse.Namespace) -> Mapping[str, float]:
    return _caught_up(application, standby, lambda: application.change(cast("int", asked.changes)))


def paced(application: Application, standby: Standby, asked: argparse.Namespace) -> Mapping[str, float]:
    """Writers commit at a rate; how far the file's moment is behind, looked at ten times a second."""
    end, rate = time.monotonic() + cast("float", asked.seconds), cast("int", asked.rate)
    per_call = rate // PER_TRANSACTION // 2 // 10
    lags: list[float] = []
    done = [0, 0]

    def write(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        due = time.monotonic()
        while due < end:
            connection.execute("CALL work(%s)", (per_call,))
            done[0] += per_call * PER_TRANSACTION
            due += 0.1
            time.sleep(max(0.0, due - time.monotonic()))

    def watch() -> None:
        while time.monotonic() < end:
            place = place_of(standby.file)
            if place:
                lags.append(time.time() - place.at.timestamp())
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    worked, served, begun = standby.cpu(), standby.server_cpu(), time.monotonic()
    watcher.start()
    application.busy(2, write)
    seconds = time.monotonic() - begun
    watcher.join()
    rest = standby.catches_up(application.lsn())
    return {
        "changes/s": round(done[0] / seconds),
        "behind, median": round(statistics.median(lags), 2),
        "behind, at most": round(max(lags), 2),
        "seconds to catch up at the end": round(rest, 2),
        "processor": round((standby.cpu() - worked) / seconds, 2),
        "the server's": round((standby.server_cpu() - served) / seconds, 2),
    }


def transaction(application: Application, standby: Standby, asked: argparse.Namespace) -> Mapping[str, float]:
    statement = f"""
        INSERT INTO messages (conversation, content, tokens)
        SELECT 'big', 'some words for message ' || i, i FROM generate_series(1, {asked.rows}) AS i
    """
    return _caught_up(application, standby, lambda: ignore(application.run(statement)))


def whole(application: Application, standby: Standby, asked: argparse.Namespace) -> Mapping[str, float]:
    application.run(f"""
        INSERT INTO messages (conversation, content, tokens)
        SELECT 'big', 'some words for message ' || i, i FROM generate_series(1, {asked.rows}) AS i
    """)
    standby.catches_up(application.lsn())
    standby.stop()
    application.run("UPDATE messages SET tokens = tokens + 1")
    with psycopg.connect(application.cluster.conninfo("app"), autocommit=True) as connection:
        connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    begun = time.monotonic()
    standby.start()
    assert "slot is gone" in standby.state().whole or standby.state().whole
    return {"seconds": round(time.monotonic() - begun, 2), "peak MB": round(standby.peak(), 1)}


CLIENT = (
    "INSERT INTO messages (conversation, content, tokens) VALUES ('c' || %(n)s %% 500, %(body)s, %(n)s)",
    "UPDATE emails SET subject = 'seen ' || %(n)s WHERE id = 'e' || %(any)s",
    "UPDATE items SET price = %(n)s %% 100 WHERE deal = 'd' || %(any)s AND position = 1",
    "UPDATE messages SET tokens = %(n)s WHERE id = %(any)s",
)


def cost(application: Application, standby: Standby, asked: argparse.Namespace) -> Mapping[str, float]:
    """Clients as the application is: statement by statement, with commits that wait for the disk."""
    walls: list[float] = []
    works: list[float] = []
    for seed in range(cast("int", asked.pairs)):
        found: dict[bool, tuple[float, float]] = {}
        for armed in random.Random(seed).sample([True, False], 2):
            if armed:
                standby.open()
            else:
                standby.close()
            clients, seconds = cast("int", asked.clients), cast("float", asked.seconds)
            found[armed] = _throughput(application, clients, seconds)
        wall, work = (beside / alone for beside, alone in zip(found[True], found[False], strict=True))
        walls.append(wall)
        works.append(work)
        told = {"alone": round(found[False][0]), "throughput": round(wall, 3)}
        print(json.dumps({**told, "per processor second": round(work, 3)}), flush=True)
    return {
        "throughput": round(statistics.median(walls), 3),
        "per processor second": round(statistics.median(works), 3),
    }


def _throughput(application: Application, clients: int, seconds: float) -> tuple[float, float]:
    """Transactions of all clients: a second, and a second of their sessions' processor."""
    end = time.monotonic() + seconds
    done: list[tuple[int, float]] = []

    def client(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        count, chance = 0, random.Random(connection.info.backend_pid)
        connection.execute("SET synchronous_commit = on")
        while time.monotonic() < end:
            values = {"n": count, "any": chance.randrange(1, ROWS), "body": BODY}
            with connection.transaction():
                for statement in CLIENT:
                    connection.execute(statement, values)
            count += 1
        done.append((count, cpu(connection.info.backend_pid)))

    application.busy(clients, client)
    count = sum(one for one, _ in done)
    return count / seconds, count / sum(worked for _, worked in done)


PARTS = {"backlog": backlog, "paced": paced, "transaction": transaction, "whole": whole, "cost": cost}
