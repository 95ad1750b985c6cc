"""Worker threads for the async facade: calls that an event loop can wait for, and stop."""

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from opskit.adapters.api import Connection
from opskit.adapters.pool import closed
from opskit.errors import QueryFailed

T = TypeVar("T")


class Call:
    """One call on a worker thread, and the connection on which it can be interrupted just now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._stopped = False

    def using(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        """Run `work`, open to interruption."""
        with self._interruptible(connection):
            return work(connection)

    def leasing(self, lease: AbstractContextManager[Connection], work: Callable[[Connection], T]) -> T:
        """Lease a connection and run `work` on it, open to interruption."""
        with lease as connection:
            return self.using(connection, work)

    def stop(self) -> None:
        """Interrupt the statement that runs now, or refuse the one that would begin."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                self._connection.interrupt()

    @contextmanager
    def _interruptible(self, connection: Connection) -> Generator[None]:
        """The lock keeps the interruption from reaching whoever uses the connection next."""
        with self._lock:
            if self._stopped:
                raise QueryFailed.of("cancelled", "the task was cancelled before the statement began")
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None


class Workers:
    """As many threads as a pool has connections, and one that interrupts."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._closed = False
        self._calls = ThreadPoolExecutor(count, thread_name_prefix=f"opskit-{name}")
        self._interrupts = ThreadPoolExecutor(1, thread_name_prefix=f"opskit-{name}-interrupt")

    async def run(self, work: Callable[[Call], T]) -> T:
        """Run `work` on a thread. When the task is cancelled, stop it, and wait until it has ended.

        Raises:
            ConnectionFailed: the workers are closed.
        """
        if self._closed:
            raise closed(self._name)
        loop = asyncio.get_running_loop()
        call = Call()
        running = loop.run_in_executor(self._calls, work, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await _settled(running, loop.run_in_executor(self._interrupts, call.stop))
            raise

    async def finish(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread to its end, also when the task is cancelled meanwhile.

        What was begun is ended also after `close`, then on a thread of the event loop's own.
        """
        threads = None if self._closed else self._calls
        running = asyncio.get_running_loop().run_in_executor(threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await _settled(running)
            raise

    def close(self) -> None:
        """Wait for the threads to end."""
        self._closed = True
        self._calls.shutdown()
        self._interrupts.shutdown()


async def _settled(*futures: "asyncio.Future[T] | asyncio.Future[None]") -> None:
    """Wait for all of them, however often the task is cancelled; their outcomes no longer matter."""
    while not all(future.done() for future in futures):
        try:
            await asyncio.wait(futures)
        except asyncio.CancelledError:
            continue
    for future in futures:
        future.exception()
