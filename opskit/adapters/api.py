"""The adapters' public interface: what both engines do alike, and the values that pass through it.

Example:
    with Databases.open() as databases, databases["main"].transaction() as main:
        main.execute("UPDATE users SET seen = ? WHERE id = ?", [datetime.now(UTC), "u1"])
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import Protocol, Self, TypeAlias, TypeVar, overload

from opskit.config import Engine

RowT = TypeVar("RowT")

JsonData: TypeAlias = "str | int | float | bool | Sequence[JsonData] | Mapping[str, JsonData] | None"
"""What `Json` accepts."""

Value: TypeAlias = (
    "str | int | float | bool | bytes | datetime | date | Decimal | list[Value] | dict[str, Value] | None"
)
"""What a row holds. Lists and dictionaries come from JSON columns (and from PostgreSQL's arrays)."""

Row: TypeAlias = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Json:
    """A parameter that is stored as JSON text.

    Example:
        database.execute("INSERT INTO events (tags) VALUES (?)", [Json(["new", "paid"])])
    """

    data: JsonData


Parameter: TypeAlias = str | int | float | bool | bytes | datetime | date | Decimal | Json | None
"""What a placeholder takes. A datetime without a zone is read as UTC."""

Parameters: TypeAlias = Sequence[Parameter] | Mapping[str, Parameter]
"""A sequence for `?` and `?NNN`, a mapping for `:name`."""


@dataclass(frozen=True, slots=True)
class ExecuteResult:
    """What a statement did.

    Attributes:
        changes: rows inserted, updated or deleted; 0 for every other statement.
        last_insert_rowid: the key that the engine gave to the last inserted row: of a plain INSERT into a
            table whose integer primary key it generates. None otherwise.
    """

    changes: int
    last_insert_rowid: int | None = None


@dataclass(frozen=True, slots=True)
class Connections:
    """A pool's connections by state, and the callers waiting for one."""

    total: int
    active: int
    idle: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Health:
    """The outcome of one probe.

    Attributes:
        latency_seconds: how long the probe took, also when it failed.
        last_error: the failure of this probe, else the latest one of any statement; None when there was none.
        timestamp: when the probe began, aware, in UTC.
    """

    healthy: bool
    latency_seconds: float
    connections: Connections
    last_error: str | None
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A statement that took longer than the threshold; its parameters are not kept.

    Attributes:
        timestamp: when it ended, aware, in UTC.
    """

    sql: str
    seconds: float
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Metrics:
    """What happened since the database was opened.

    Attributes:
        cache_hit_rate: pages found in the engine's own cache, 0 to 1: PostgreSQL's shared buffers since its
            statistics began, SQLite's page caches since the database was opened. None when nothing was
            read yet, when all connections are in use, or when the server does not answer.
        slow_queries: the last 100, oldest first.
    """

    total_queries: int
    average_query_seconds: float
    error_count: int
    cache_hit_rate: float | None
    slow_queries: tuple[SlowQuery, ...]
    connections: Connections


class Statement(Protocol):
    """A statement that is parsed once and run many times, prepared on the server where there is one."""

    @overload
    def query(self, params: Parameters = ()) -> list[Row]: ...
    @overload
    def query(self, params: Parameters = (), *, row_type: type[RowT]) -> list[RowT]: ...
    @overload
    def query_one(self, params: Parameters = ()) -> Row | None: ...
    @overload
    def query_one(self, params: Parameters = (), *, row_type: type[RowT]) -> RowT | None: ...
    def execute(self, params: Parameters = ()) -> ExecuteResult:
        """Run it for its effect."""
        ...


class Queries(Protocol):
    """What a database, a connection and a transaction have in common.

    Every method raises ConnectionFailed, QueryFailed or TransactionFailed, all of them DatabaseError.
    Rows are dictionaries, or instances of the dataclass given as `row_type`.
    """

    @overload
    def query(self, sql: str, params: Parameters = ()) -> list[Row]: ...
    @overload
    def query(self, sql: str, params: Parameters = (), *, row_type: type[RowT]) -> list[RowT]: ...
    @overload
    def query_one(self, sql: str, params: Parameters = ()) -> Row | None: ...
    @overload
    def query_one(self, sql: str, params: Parameters = (), *, row_type: type[RowT]) -> RowT | None: ...
    @overload
    def stream(self, sql: str, params: Parameters = (), *, batch: int = 1000) -> Generator[Row]: ...
    @overload
    def stream(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT], batch: int = 1000
    ) -> Generator[RowT]: ...
    def execute(self, sql: str, params: Parameters = ()) -> ExecuteResult:
        """Run a statement for its effect; without parameters also several, separated by semicolons."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Parameters]) -> ExecuteResult:
        """Run a statement once for each set of parameters: all of them, or none."""
        ...

    def prepare(self, sql: str) -> Statement:
        """The statement, parsed and ready to run many times."""
        ...

    def transaction(self) -> "AbstractContextManager[Connection]":
        """A transaction, committed at the end of the block and rolled back by any exception.

        On a connection that is in a transaction already: a savepoint. Only what goes through the object
        that the block receives is part of it.
        """
        ...


class Connection(Queries, Protocol):
    """One connection, kept for a while."""

    def interrupt(self) -> None:
        """Stop the statement that is running, if any; it fails with QueryFailed. Safe from any thread."""
        ...


class Database(Queries, Protocol):
    """One database behind a pool of connections; safe to share between threads.

    Attributes:
        limit: the most connections its pool opens.
        wait_seconds: how long a caller waits for one of them.
    """

    name: str
    engine: Engine
    limit: int
    wait_seconds: float

    def connection(self) -> AbstractContextManager[Connection]:
        """A connection of one's own for the length of the block."""
        ...

    def health_check(self) -> Health:
        """Probe the database; a failure is part of the answer, not an exception."""
        ...

    def metrics(self) -> Metrics:
        """What happened since the database was opened."""
        ...

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Refuse new work, wait for running work, interrupt what is left, close. May be called again."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
