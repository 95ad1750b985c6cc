"""Whatever happens, the file shows one moment of PostgreSQL, and nothing that was acknowledged is lost."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.integration.standby.world import World

SEEDS = range(int(os.environ.get("OPSKIT_SEEDS", "2")))
"""More of them find more; a failure names its seed."""

ACCOUNTS = 40
SCHEMA = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT UNIQUE, balance INTEGER, note TEXT);
CREATE TABLE pairs (a TEXT, b INTEGER, n INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE events (what TEXT, n INTEGER);
"""
ROWS = (
    "INSERT INTO accounts (place, balance) VALUES (?,?)",
    [(f"p{number}", 100) for number in range(ACCOUNTS)],
)


class Writer:
    """Transactions that each keep the sum of all balances, while values change places in a unique column."""

    def __init__(self, world: World, seed: int) -> None:
        self._random = random.Random(seed)
        self._world = world
        self.acknowledged = 0

    def connected(self) -> "psycopg.Connection[Any]":
        conninfo = self._world.cluster.conninfo(self._world.name, "application")
        return psycopg.connect(conninfo, autocommit=True)

    def write(self, connection: "psycopg.Connection[Any]") -> None:
        with connection.transaction() as transaction:
            self._random.choice([self._transfer, self._swap, self._pairs, self._grow, self._event])(
                connection
            )
            if self._random.random() < 0.1:
                raise psycopg.Rollback(transaction)
        self.acknowledged += 1

    def _two(self, connection: "psycopg.Connection[Any]") -> dict[int, str]:
        """Two accounts and their places, locked; fewer when others were quicker."""
        chosen = "SELECT id FROM accounts ORDER BY random() LIMIT 2"
        locked = f"SELECT id, place FROM accounts WHERE id IN ({chosen}) ORDER BY id FOR UPDATE"
        return dict(connection.execute(locked).fetchall())

    def _transfer(self, connection: "psycopg.Connection[Any]") -> None:
        if len(two := self._two(connection)) == 2:
            amount = self._random.randint(1, 50)
            for number, change in zip(two, (amount, -amount), strict=True):
                connection.execute(
                    "UPDATE accounts SET balance = balance + %s WHERE id = %s", (change, number)
                )

    def _swap(self, connection: "psycopg.Connection[Any]") -> None:
        if len(two := self._two(connection)) == 2:
            (one, here), (other, there) = two.items()
            for number, place in ((one, None), (other, here), (one, there)):
                connection.execute("UPDATE accounts SET place = %s WHERE id = %s", (place, number))

    def _pairs(self, connection: "psycopg.Connection[Any]") -> None:
        number = self._random.randint(1, 20)
        connection.execute(
            "INSERT INTO pairs VALUES (%s, %s, 1) ON CONFLICT (a, b) DO UPDATE SET n = pairs.n + 1, b = %s"
            " WHERE NOT EXISTS (SELECT FROM pairs p WHERE p.a = pairs.a AND p.b = %s)",
            (f"k{number % 5}", number, number + 1000, number + 1000),
        )
        connection.execute("DELETE FROM pairs WHERE b = %s", (1000 + self._random.randint(1, 20),))

    def _grow(self, connection: "psycopg.Connection[Any]") -> None:
        """A row goes and comes again under another key."""
        for number in list(self._two(connection))[:1]:
            gone = "DELETE FROM accounts WHERE id = %s RETURNING place, balance"
            row = connection.execute(gone, (number,)).fetchone()
            come = "INSERT INTO accounts (place, balance, note) VALUES (%s, %s, %s)"
            connection.execute(come, (*(row or ()), "x" * self._random.choice([1, 5000])))

    def _event(self, connection: "psycopg.Connection[Any]") -> None:
        connection.execute("INSERT INTO events VALUES ('e', %s)", (self._random.randint(1, 5),))
        if self._random.random() < 0.05:
            connection.execute("TRUNCATE events")


@contextmanager
def writing(world: World, seed: int) -> Iterator[list[Writer]]:
    """Three sessions that write all the while, and go on after the server was gone."""
    writers = [Writer(world, 100 * seed + number) for number in range(3)]
    stopped = threading.Event()

    def run(writer: Writer) -> None:
        while not stopped.is_set():
            try:
                with writer.connected() as connection:
                    while not stopped.is_set():
                        try:
                            writer.write(connection)
                        except (psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
                            continue
            except (psycopg.Error, psycopg.Rollback):  # the server is gone, in whatever words
                time.sleep(0.05)

    threads = [threading.Thread(target=run, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def both(world: World) -> None:
    """Both sides hold the same."""
    for query in (
        "SELECT id, place, balance, note FROM accounts ORDER BY id",
        "SELECT a, b, n FROM pairs ORDER BY a, b",
        "SELECT what, n FROM events ORDER BY what, n",
    ):
        assert world.rows(query) == world.run(query)


def is_of_one_moment(world: World) -> None:
    """Every transaction keeps the sum and the places, so every moment has them."""
    assert world.rows("SELECT sum(balance), count(*), count(DISTINCT place) FROM accounts") == [
        (100 * ACCOUNTS, ACCOUNTS, ACCOUNTS)
    ]
    assert world.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("small", [0, 2**40], ids=["log", "copy"])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_ends_at_one_moment_while_others_write(world: World, seed: int, small: int) -> None:
    world.moved(SCHEMA, ROWS)
    follower = world.follower(small=small)
    with writing(world, seed) as writers:
        for _ in range(25):
            follower.drain()
            is_of_one_moment(world)
    follower.drain()
    assert sum(writer.acknowledged for writer in writers) > 100
    both(world)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_server_crashes_and_forgets_how_far_its_log_was_let_go(world: World, seed: int) -> None:
    world.moved(SCHEMA, ROWS)
    follower = world.follower()
    chance = random.Random(seed)
    with writing(world, seed):
        for _ in range(3):
            end = time.monotonic() + chance.uniform(0.2, 0.6)
            while time.monotonic() < end:
                follower.look()
            world.cluster.stop("immediate")
            follower.look()
            world.cluster.start()
    world.settle(follower)
    both(world)
    # The log has told all else, unless the server cannot read it since it crashed beside a TRUNCATE.
    assert follower.state.whole.startswith(("the file is new", "PostgreSQL cannot read its log"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_follower_that_is_killed_at_any_moment_loses_nothing(world: World, seed: int) -> None:
    world.moved(SCHEMA, ROWS)
    chance = random.Random(seed)
    with writing(world, seed):
        for _ in range(6):
            process = world.opskit.start("standby", "run", "--config", world.configuration())
            time.sleep(chance.uniform(0.5, 1.5))
            process.kill()
            process.communicate()
            if world.has_followed():
                is_of_one_moment(world)
    world.follow()
    both(world)
