"""One thread for each database: whatever hangs, a name server or a dead disk, holds that one only."""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from opskit.exporter.reading import Reading
from opskit.transfer.deadline import Deadline


class Reader(Protocol):
    """Reads one database again and again."""

    def read(self, deadline: Deadline) -> Reading:
        """The database as it is now."""
        ...

    def tidy(self) -> None:
        """Ends what the last reading does not need any more; nobody waits for that."""
        ...

    def close(self) -> None:
        """Ends what is kept from one reading to the next."""
        ...


class Worker:
    """Does one reading at a time, on its own daemon thread.

    A reading that nobody waits for any more keeps the worker busy, and a busy worker takes no other: there is
    never a second thread or connection. Except for its thread's own work it belongs to the event loop.

    Args:
        reader: lives on the thread; a reading should end by the deadline it is given.
    """

    def __init__(self, name: str, reader: Reader) -> None:
        self._reader = reader
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._last: asyncio.Future[Reading] | None = None
        self._thread = threading.Thread(target=self._run, name=f"read-{name}", daemon=True)
        self._thread.start()

    def submit(self, deadline: Deadline) -> "asyncio.Future[Reading] | None":
        """The reading to come; None while the last one is still under way."""
        if self._last is not None and not self._last.done():
            return None
        self._last = asyncio.get_running_loop().create_future()
        self._jobs.put(partial(self._read, deadline, self._last))
        return self._last

    def tidy(self) -> None:
        """Has the reader end what its last reading does not need any more."""
        if self._last is not None and self._last.done():
            self._jobs.put(self._reader.tidy)

    def alive(self) -> bool:
        """False after a bug ended the thread."""
        return self._thread.is_alive()

    def leave(self) -> None:
        """Lets the thread end after what it is doing."""
        self._jobs.put(None)

    def stop(self, seconds: float) -> None:
        """Lets the thread end, and waits for it so long at most."""
        self.leave()
        self._thread.join(seconds)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._reader.close()

    def _read(self, deadline: Deadline, future: "asyncio.Future[Reading]") -> None:
        reading = self._reader.read(deadline)
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            future.get_loop().call_soon_threadsafe(future.set_result, reading)
