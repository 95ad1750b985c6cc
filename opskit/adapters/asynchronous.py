"""The async API: one facade over any adapter, which runs its calls on worker threads of its own.

Why not a second implementation on each driver's async side: SQLite has none (its calls block, whoever makes
them), and two implementations of one interface drift apart. So everything that the synchronous adapter
promises holds here by construction, and there is one place for what is peculiar to async: a call waits for
its turn in the loop and not on a thread, a transaction keeps its connection, and cancelling a task interrupts
the statement that is running for it and waits until the connection is free again.
"""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import Generic, Self, TypeVar, overload

from opskit.adapters.api import (
    Connection,
    Connections,
    Database,
    ExecuteResult,
    Health,
    Metrics,
    Parameters,
    Row,
    RowT,
)
from opskit.adapters.pool import exhausted
from opskit.adapters.workers import Workers

T = TypeVar("T")


class _AsyncRunner(ABC):
    """The statement methods of databases, connections and transactions."""

    @abstractmethod
    async def on_connection(self, work: Callable[[Connection], T]) -> T:
        """Run `work` with a connection on a worker thread."""

    @overload
    async def query(self, sql: str, params: Parameters = ()) -> list[Row]: ...
    @overload
    async def query(self, sql: str, params: Parameters = (), *, row_type: type[RowT]) -> list[RowT]: ...
    async def query(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None
    ) -> list[Row] | list[RowT]:
        """All rows of a statement."""
        if row_type is None:
            return await self.on_connection(lambda connection: connection.query(sql, params))
        return await self.on_connection(lambda connection: connection.query(sql, params, row_type=row_type))

    @overload
    async def query_one(self, sql: str, params: Parameters = ()) -> Row | None: ...
    @overload
    async def query_one(self, sql: str, params: Parameters = (), *, row_type: type[RowT]) -> RowT | None: ...
    async def query_one(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None
    ) -> Row | RowT | None:
        """The first row, or None when there is none."""
        if row_type is None:
            return await self.on_connection(lambda connection: connection.query_one(sql, params))
        return await self.on_connection(
            lambda connection: connection.query_one(sql, params, row_type=row_type)
        )

    async def execute(self, sql: str, params: Parameters = ()) -> ExecuteResult:
        """Run a statement for its effect; without parameters also several, separated by semicolons."""
        return await self.on_connection(lambda connection: connection.execute(sql, params))

    async def execute_many(self, sql: str, rows: Iterable[Parameters]) -> ExecuteResult:
        """Run a statement once for each set of parameters: all of them, or none."""
        return await self.on_connection(lambda connection: connection.execute_many(sql, rows))

    def prepare(self, sql: str) -> "AsyncStatement":
        """The statement, ready to run many times."""
        return AsyncStatement(self, sql)


class AsyncStatement:
    """A statement that runs many times where it was prepared."""

    def __init__(self, runner: _AsyncRunner, sql: str) -> None:
        self._runner = runner
        self._sql = sql

    @overload
    async def query(self, params: Parameters = ()) -> list[Row]: ...
    @overload
    async def query(self, params: Parameters = (), *, row_type: type[RowT]) -> list[RowT]: ...
    async def query(
        self, params: Parameters = (), *, row_type: type[RowT] | None = None
    ) -> list[Row] | list[RowT]:
        """All rows."""
        if row_type is None:
            return await self._runner.on_connection(lambda on: on.prepare(self._sql).query(params))
        return await self._runner.on_connection(
            lambda on: on.prepare(self._sql).query(params, row_type=row_type)
        )

    @overload
    async def query_one(self, params: Parameters = ()) -> Row | None: ...
    @overload
    async def query_one(self, params: Parameters = (), *, row_type: type[RowT]) -> RowT | None: ...
    async def query_one(
        self, params: Parameters = (), *, row_type: type[RowT] | None = None
    ) -> Row | RowT | None:
        """The first row, or None when there is none."""
        if row_type is None:
            return await self._runner.on_connection(lambda on: on.prepare(self._sql).query_one(params))
        return await self._runner.on_connection(
            lambda on: on.prepare(self._sql).query_one(params, row_type=row_type)
        )

    async def execute(self, params: Parameters = ()) -> ExecuteResult:
        """Run it for its effect."""
        return await self._runner.on_connection(lambda on: on.prepare(self._sql).execute(params))


class AsyncConnection(_AsyncRunner):
    """One connection, kept for a while; statements of several tasks take turns on it."""

    def __init__(self, connection: Connection, workers: Workers, turn: asyncio.Lock | None = None) -> None:
        self._connection = connection
        self._workers = workers
        self._turn = turn or asyncio.Lock()

    async def on_connection(self, work: Callable[[Connection], T]) -> T:
        """Run `work` with this connection on a worker thread."""
        async with self._turn:
            return await self._workers.run(lambda call: call.using(self._connection, work))

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator["AsyncConnection"]:
        """A transaction, or a savepoint within one."""
        async with _Entered(self._workers, self._connection.transaction()) as connection:
            yield AsyncConnection(connection, self._workers, self._turn)

    @overload
    def stream(self, sql: str, params: Parameters = (), *, batch: int = 1000) -> AsyncGenerator[Row]: ...
    @overload
    def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT], batch: int = 1000
    ) -> AsyncGenerator[RowT]: ...
    async def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None, batch: int = 1000
    ) -> AsyncGenerator[Row | RowT]:
        """The rows of a reading statement, at most `batch` of them in memory; `aclose()` it to end early."""
        rows = (
            self._connection.stream(sql, params, batch=batch)
            if row_type is None
            else self._connection.stream(sql, params, row_type=row_type, batch=batch)
        )
        try:
            while part := await self.on_connection(lambda _: list(islice(rows, batch))):
                for row in part:
                    yield row
        finally:
            await self._workers.finish(rows.close)


class AsyncDatabase(_AsyncRunner):
    """An adapter for asyncio. One event loop at a time may use it.

    Args:
        database: the synchronous adapter, which this facade owns from now on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._workers = Workers(database.name, database.limit)
        self._places = asyncio.Semaphore(database.limit)
        self._queued = 0
        self.name = database.name
        self.engine = database.engine

    async def on_connection(self, work: Callable[[Connection], T]) -> T:
        """Run `work` with a connection of the pool on a worker thread."""
        async with self._place():
            return await self._workers.run(lambda call: call.leasing(self._database.connection(), work))

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection]:
        """A connection of one's own for the length of the block."""
        async with self._place(), _Entered(self._workers, self._database.connection()) as connection:
            yield AsyncConnection(connection, self._workers)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction, committed at the end of the block and rolled back by any exception."""
        async with self._place(), _Entered(self._workers, self._database.transaction()) as connection:
            yield AsyncConnection(connection, self._workers)

    @overload
    def stream(self, sql: str, params: Parameters = (), *, batch: int = 1000) -> AsyncGenerator[Row]: ...
    @overload
    def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT], batch: int = 1000
    ) -> AsyncGenerator[RowT]: ...
    async def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None, batch: int = 1000
    ) -> AsyncGenerator[Row | RowT]:
        """The rows of a reading statement; its connection stays leased until the last row, or `aclose()`."""
        async with self.connection() as connection:
            rows = (
                connection.stream(sql, params, batch=batch)
                if row_type is None
                else connection.stream(sql, params, row_type=row_type, batch=batch)
            )
            async with aclosing(rows):
                async for row in rows:
                    yield row

    async def health_check(self) -> Health:
        """Probe the database; a failure is part of the answer."""
        health = await asyncio.to_thread(self._database.health_check)
        return replace(health, connections=self._with_queued(health.connections))

    async def metrics(self) -> Metrics:
        """What happened since the database was opened."""
        metrics = await asyncio.to_thread(self._database.metrics)
        return replace(metrics, connections=self._with_queued(metrics.connections))

    async def close(self, timeout_seconds: float = 10.0) -> None:
        """Refuse new work, wait for running work, interrupt what is left, close. May be called again."""
        await asyncio.to_thread(self._database.close, timeout_seconds)
        await asyncio.to_thread(self._workers.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[None]:
        """A place in the pool. Waiting for it here keeps a worker free for whoever can give one back."""
        self._queued += 1
        try:
            async with asyncio.timeout(self._database.wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise exhausted(self.name, self._database.limit, self._database.wait_seconds) from None
        finally:
            self._queued -= 1
        try:
            yield
        finally:
            self._places.release()

    def _with_queued(self, connections: Connections) -> Connections:
        return replace(connections, waiting=connections.waiting + self._queued)


class _Entered(Generic[T]):
    """A blocking context manager, entered and left on worker threads, and never left behind."""

    def __init__(self, workers: Workers, manager: AbstractContextManager[T]) -> None:
        self._workers = workers
        self._manager = manager
        self._stack = ExitStack()

    async def __aenter__(self) -> T:
        try:
            return await self._workers.finish(lambda: self._stack.enter_context(self._manager))
        except asyncio.CancelledError:
            details = sys.exc_info()
            await self._workers.finish(lambda: self._stack.__exit__(*details))
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._workers.finish(lambda: self._stack.__exit__(kind, error, traceback))
