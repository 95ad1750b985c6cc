"""Backups that are made while the application writes 2,000 times a second and more."""

import itertools
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Event, Thread

import apsw
import psycopg
import pytest

from tests.integration.backup.world import World
from tests.support import query

RATE = 2000
"""Writes a second that there must be during a backup."""
PATIENCE = 150
"""Seconds within which a busy machine must have come to that three times."""
TABLES = "CREATE TABLE one (n INTEGER PRIMARY KEY); CREATE TABLE two (n INTEGER PRIMARY KEY)"
PAIR = "INSERT INTO one VALUES ({0}); INSERT INTO two VALUES ({0})"


@dataclass
class Count:
    """Pairs, each a transaction of two writes, that were acknowledged."""

    value: int = 0


def write_on_sqlite(file: str, acknowledged: Count, stop: Event) -> None:
    with closing(apsw.Connection(file)) as connection:
        connection.set_busy_timeout(60_000)
        for number in itertools.takewhile(lambda _: not stop.is_set(), itertools.count(1)):
            connection.execute(f"BEGIN IMMEDIATE; {PAIR.format(number)}; COMMIT")
            acknowledged.value = number


def write_on_postgresql(conninfo: str, acknowledged: Count, stop: Event) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for number in itertools.takewhile(lambda _: not stop.is_set(), itertools.count(1)):
            connection.execute(PAIR.format(number).encode())  # both at once are one transaction
            acknowledged.value = number


@contextmanager
def writing(world: World) -> Generator[Count]:
    """A thread that writes pairs as fast as it can, from 1 up."""
    if world.engine == "sqlite":
        with closing(apsw.Connection(str(world.file))) as connection:
            connection.execute(TABLES)
        write, where = write_on_sqlite, str(world.file)
    else:
        query(world.database, TABLES)
        write, where = write_on_postgresql, world.database.conninfo
    acknowledged, stop = Count(), Event()
    writer = Thread(target=write, args=(where, acknowledged, stop))
    writer.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        writer.join()


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_backup_is_of_one_moment(world: World, engine: str) -> None:
    """It has what was acknowledged before it, whole transactions only, and comes back with equal digests."""
    world.use(engine)
    backups: dict[str, tuple[int, int]] = {}
    with writing(world) as acknowledged:
        until = time.monotonic() + PATIENCE
        while len(backups) < 3:
            begun, before = time.monotonic(), acknowledged.value
            name = world.create()
            after = acknowledged.value
            rate = 2 * (after - before) / (time.monotonic() - begun)
            if rate >= RATE:
                backups[name] = before, after
            assert time.monotonic() < until, f"no more than {rate:.0f} writes a second"
    for name, (before, after) in backups.items():
        tables = world.done("show", name)["manifest"]["tables"]
        one, two = (
            next(table["rows"] for table in tables if side in table["name"]) for side in ("one", "two")
        )
        assert one == two
        assert before <= one <= after + 1  # one may be written whose acknowledgement is under way
        assert world("verify", name, "--level", "drill").code == 0
