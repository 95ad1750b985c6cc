"""Scrapes that come close upon each other share one collection; each is answered by its own deadline."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opskit.config import Engine
from opskit.exporter.reading import DEADLINE, Outcome, Reading
from opskit.exporter.workers import Worker
from opskit.transfer.deadline import Deadline

REPORT_SECONDS = 0.15
"""How much earlier than a scrape's deadline the workers' is, at most: time to report what they have."""

TICK_SECONDS = 0.05
"""What a collection with the same deadline gets to end before the scrape that waits for it."""

OVERDUE_SECONDS = 5.0
"""A collection that has not ended so long after its deadline never will."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one collection found, in the order of the configuration.

    Attributes:
        at: when it began, on the monotonic clock.
    """

    readings: tuple[Reading, ...]
    at: float


@dataclass(frozen=True, slots=True)
class _Round:
    """A collection under way; a future is None where the worker was busy with an abandoned reading."""

    futures: Mapping[str, "asyncio.Future[Reading] | None"]
    deadline: Deadline
    began: float
    ended: "asyncio.Task[Snapshot]"


class Collection:
    """Starts collections and shares them; belongs to the event loop.

    Args:
        workers: by configured database name.
        record: told of every finished collection, once.

    Attributes:
        reuse: so many seconds a collection that found nothing wrong answers further scrapes, too. One that
            found something wrong does not: that all is well again is seen at once.
    """

    reuse = 0.0

    def __init__(self, workers: Mapping[str, Worker], record: Callable[[Snapshot], None]) -> None:
        self._workers = workers
        self._record = record
        self._engines: dict[str, Engine | None] = {}
        self._round: _Round | None = None
        self._outdated = 0.0

    def outdate(self) -> None:
        """Answers no more scrapes with what was found until now."""
        self._outdated = time.monotonic()

    async def snapshot(self, deadline: Deadline) -> Snapshot:
        """A collection that was begun or joined now, as far as it is by the deadline."""
        current = self._round
        if current is None or (current.ended.done() and not self._answers(current.ended.result())):
            current = self._round = self._begin(deadline)
        await asyncio.wait({current.ended}, timeout=deadline.left() + TICK_SECONDS)
        asyncio.get_running_loop().call_soon(self._tidy)  # behind the answer, which it would hold up
        return (
            current.ended.result() if current.ended.done() else self._so_far(current.futures, current.began)
        )

    def alive(self) -> bool:
        """Whether readings are still being made: no thread has ended, no collection is stuck."""
        current = self._round
        stuck = (
            current is not None
            and not current.ended.done()
            and time.monotonic() > current.deadline.at + OVERDUE_SECONDS
        )
        return not stuck and all(worker.alive() for worker in self._workers.values())

    def _tidy(self) -> None:
        for worker in self._workers.values():
            worker.tidy()

    def _answers(self, snapshot: Snapshot) -> bool:
        recent = snapshot.at > max(self._outdated, time.monotonic() - self.reuse)
        return recent and all(reading.sound for reading in snapshot.readings)

    def _begin(self, deadline: Deadline) -> _Round:
        began = time.monotonic()
        early = deadline.earlier(min(REPORT_SECONDS, deadline.left() / 4))
        futures = {name: worker.submit(early) for name, worker in self._workers.items()}
        return _Round(futures, deadline, began, asyncio.create_task(self._end(futures, deadline, began)))

    async def _end(
        self, futures: Mapping[str, "asyncio.Future[Reading] | None"], deadline: Deadline, began: float
    ) -> Snapshot:
        waited = [future for future in futures.values() if future is not None]
        if waited:
            await asyncio.wait(waited, timeout=deadline.left())
        snapshot = self._so_far(futures, began)
        self._engines = {reading.database: reading.engine for reading in snapshot.readings}
        self._record(snapshot)
        return snapshot

    def _so_far(self, futures: Mapping[str, "asyncio.Future[Reading] | None"], began: float) -> Snapshot:
        return Snapshot(
            tuple(
                future.result() if future is not None and future.done() else self._overdue(name, began)
                for name, future in futures.items()
            ),
            began,
        )

    def _overdue(self, name: str, began: float) -> Reading:
        """A database that did not answer in time is down, in whichever engine it was last seen."""
        waited = Outcome("connect", time.monotonic() - began, failure=DEADLINE)
        return Reading(name, self._engines.get(name), up=False, probes=(waited,))
