"""Collections over readers that answer, or hang in a call that no deadline reaches."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event

import pytest

from opskit.config import Engine
from opskit.exporter.collection import Collection, Snapshot
from opskit.exporter.reading import DEADLINE, Outcome, Reading
from opskit.exporter.workers import Reader, Worker
from opskit.transfer.deadline import Deadline


@contextmanager
def collecting(**readers: Reader) -> Generator[tuple[Collection, list[Snapshot]]]:
    recorded: list[Snapshot] = []
    workers = {name: Worker(name, reader) for name, reader in readers.items()}
    yield Collection(workers, recorded.append), recorded
    for worker in workers.values():
        worker.stop(5)


class Healthy:
    def __init__(self) -> None:
        self.closed = False

    def read(self, _deadline: Deadline) -> Reading:
        return Reading("main", Engine.SQLITE, up=True, probes=())

    def tidy(self) -> None:
        """It leaves nothing behind."""

    def close(self) -> None:
        self.closed = True


class Hanging(Healthy):
    """As a name server or a disk that does not answer: it knows no deadline."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.released = Event()

    def read(self, _deadline: Deadline) -> Reading:
        self.calls += 1
        self.released.wait(20)
        return Reading("walmart", Engine.POSTGRESQL, up=True, probes=())


def ups(snapshot: Snapshot) -> dict[str, bool]:
    return {reading.database: reading.up for reading in snapshot.readings}


def test_a_reader_that_hangs_costs_its_database_and_no_second_thread() -> None:
    hanging = Hanging()

    async def scrapes(collection: Collection) -> list[Snapshot]:
        return [await collection.snapshot(Deadline.after(0.05)) for _ in range(3)]

    with collecting(main=Healthy(), walmart=hanging) as (collection, recorded):
        snapshots = asyncio.run(scrapes(collection))
        hanging.released.set()
    assert [ups(snapshot) for snapshot in snapshots] == [{"main": True, "walmart": False}] * 3
    assert snapshots[0].readings[1].probes[0].failure == DEADLINE
    assert hanging.calls == 1
    assert len(recorded) == 3


def test_scrapes_that_overlap_share_a_collection_and_keep_their_own_deadline() -> None:
    hanging = Hanging()

    async def scrapes(collection: Collection) -> list[Snapshot]:
        patient = asyncio.create_task(collection.snapshot(Deadline.after(10)))
        await asyncio.sleep(0)
        hasty = await collection.snapshot(Deadline.after(0.05))
        hanging.released.set()
        return [hasty, await patient]

    with collecting(walmart=hanging) as (collection, recorded):
        hasty, patient = asyncio.run(scrapes(collection))
    assert (ups(hasty), ups(patient)) == ({"walmart": False}, {"walmart": True})
    assert hanging.calls == 1
    assert recorded == [patient]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_that_ends_a_thread_is_no_sign_of_life() -> None:
    class Broken(Healthy):
        def read(self, _deadline: Deadline) -> Reading:
            raise ZeroDivisionError

    with collecting(main=Broken()) as (collection, _):
        assert collection.alive()
        snapshot = asyncio.run(collection.snapshot(Deadline.after(0.2)))
        assert ups(snapshot) == {"main": False}
        assert not collection.alive()


def test_what_a_reader_keeps_is_ended_with_its_thread() -> None:
    reader = Healthy()
    with collecting(main=reader):
        assert not reader.closed
    assert reader.closed


class Told(Healthy):
    """Says what it is told to say, one after the other."""

    def __init__(self, *readings: Reading) -> None:
        super().__init__()
        self._readings = iter(readings)

    def read(self, _deadline: Deadline) -> Reading:
        return next(self._readings)


SOUND = Reading("main", Engine.SQLITE, up=True, probes=(Outcome("connect", 0.01),))
DOWN = Reading("main", Engine.SQLITE, up=False, probes=(Outcome("connect", 0.01, failure=DEADLINE),))
IN_PART = Reading("main", Engine.SQLITE, up=True, probes=(), collectors=(Outcome("pages", 0, failure="x"),))


@pytest.mark.parametrize(
    ("found", "is_reused"),
    [(SOUND, True), (DOWN, False), (IN_PART, False)],
    ids=["all is well", "the database is down", "a collector failed"],
)
def test_a_collection_answers_the_scrapes_soon_after_it_unless_something_was_wrong(
    found: Reading, is_reused: bool
) -> None:
    async def scrapes(collection: Collection) -> list[Snapshot]:
        collection.reuse = 60
        return [await collection.snapshot(Deadline.after(2)) for _ in range(2)]

    with collecting(main=Told(found, SOUND)) as (collection, recorded):
        first, second = asyncio.run(scrapes(collection))
    assert (first is second) is is_reused
    assert len(recorded) == (1 if is_reused else 2)


@pytest.mark.parametrize("reuse", [0.0, 0.05])
def test_later_a_scrape_looks_anew(reuse: float) -> None:
    async def scrapes(collection: Collection) -> list[Snapshot]:
        collection.reuse = reuse
        first = await collection.snapshot(Deadline.after(2))
        await asyncio.sleep(2 * reuse)
        return [first, await collection.snapshot(Deadline.after(2))]

    with collecting(main=Told(SOUND, DOWN)) as (collection, _):
        first, second = asyncio.run(scrapes(collection))
    assert ups(first) != ups(second)


def test_what_was_found_before_a_reload_answers_nobody_after_it() -> None:
    async def scrapes(collection: Collection) -> list[Snapshot]:
        collection.reuse = 60
        first = await collection.snapshot(Deadline.after(2))
        collection.outdate()
        return [first, await collection.snapshot(Deadline.after(2))]

    with collecting(main=Told(SOUND, DOWN)) as (collection, _):
        first, second = asyncio.run(scrapes(collection))
    assert ups(first) != ups(second)
