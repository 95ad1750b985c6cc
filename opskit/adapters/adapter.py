"""A database of either engine: a pool, a meter, and connections leased from the one to run on."""

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, overload

from opskit.adapters.api import ExecuteResult, Health, Metrics, Parameters, Row, RowT
from opskit.adapters.connection import LeasedConnection
from opskit.adapters.dialect import Query, parse
from opskit.adapters.meter import Meter
from opskit.adapters.pool import Pool
from opskit.adapters.runner import Runner
from opskit.adapters.session import Result, Session
from opskit.config import Engine
from opskit.errors import ConnectionFailed, DatabaseError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a database may take.

    Attributes:
        connections: the most that its pool opens.
        wait_seconds: how long a caller waits for one of them.
        slow_query_seconds: a statement that takes this long is kept in the metrics and logged.
        statement_timeout_seconds: a statement that takes this long fails with QueryFailed; 0 for never.
    """

    connections: int = 20
    wait_seconds: float = 10.0
    slow_query_seconds: float = 1.0
    statement_timeout_seconds: float = 0.0


class Adapter(Runner):
    """One database behind a pool; satisfies `Database`. Safe to share between threads.

    Opening one connects to nothing: the first statement, or `health_check`, does.
    """

    def __init__(self, name: str, engine: Engine, opener: Callable[[], Session], limits: Limits) -> None:
        self.name = name
        self.engine = engine
        self.limit = limits.connections
        self.wait_seconds = limits.wait_seconds
        self._meter = Meter(name, limits.slow_query_seconds)
        self._pool = Pool(name, opener, limit=limits.connections, wait_seconds=limits.wait_seconds)

    @contextmanager
    def connection(self) -> Generator[LeasedConnection]:
        """A connection of one's own for the length of the block."""
        with self._lease() as session:
            leased = LeasedConnection(session, self._meter, self.engine)
            try:
                yield leased
            finally:
                leased.end_lease()

    @contextmanager
    def transaction(self) -> Generator[LeasedConnection]:
        """A transaction, committed at the end of the block and rolled back by any exception."""
        with self.connection() as connection, connection.transaction() as transaction:
            yield transaction

    def run(self, query: Query, params: Parameters, *, prepare: bool = False, key: bool = False) -> Result:
        """Run a statement to its end, on a connection of the pool."""
        with self.connection() as connection:
            return connection.run(query, params, prepare=prepare, key=key)

    def execute_many(self, sql: str, rows: Iterable[Parameters]) -> ExecuteResult:
        """Run a statement once for each set of parameters: all of them, or none."""
        with self.connection() as connection:
            return connection.execute_many(sql, rows)

    @overload
    def stream(self, sql: str, params: Parameters = (), *, batch: int = 1000) -> Generator[Row]: ...
    @overload
    def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT], batch: int = 1000
    ) -> Generator[RowT]: ...
    def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None, batch: int = 1000
    ) -> Generator[Row] | Generator[RowT]:
        """The rows of a reading statement; its connection stays leased until the last row, or `close()`."""
        with self.connection() as connection:
            if row_type is None:
                yield from connection.stream(sql, params, batch=batch)
            else:
                yield from connection.stream(sql, params, row_type=row_type, batch=batch)

    def health_check(self) -> Health:
        """Run `SELECT 1`; a failure is part of the answer."""
        timestamp, started = datetime.now(UTC), time.perf_counter()
        failure = None
        try:
            with self._lease() as session:
                session.run(parse("SELECT 1", self.engine), [], prepare=False, key=False)
        except DatabaseError as error:
            failure = str(error)
        return Health(
            healthy=failure is None,
            latency_seconds=time.perf_counter() - started,
            connections=self._pool.connections(),
            last_error=failure or self._meter.last_error,
            timestamp=timestamp,
        )

    def metrics(self) -> Metrics:
        """What happened since the database was opened; asks the engine for its cache's hits."""
        connections = self._pool.connections()
        return self._meter.metrics(connections, self._cache_hit_rate())

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Refuse new work, wait for running work, interrupt what is left, close. May be called again."""
        self._pool.close(timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _lease(self) -> Generator[Session]:
        leased = False
        try:
            with self._pool.lease() as session:
                leased = True
                yield session
        except ConnectionFailed as error:
            if not leased:
                self._meter.failed(error)
            raise

    def _cache_hit_rate(self) -> float | None:
        try:
            with self._pool.lease(wait_seconds=0.0) as session:
                hits, reads = session.cache_counts()
        except DatabaseError:
            return None
        return hits / reads if reads else None
