"""What is seen of a database at one moment."""

from dataclasses import dataclass

from opskit.config import Engine


@dataclass(frozen=True, slots=True)
class Cost:
    """What a statement has cost: executions, seconds of execution, rows returned or changed."""

    calls: float = 0.0
    seconds: float = 0.0
    rows: float = 0.0


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that cost something; its text holds no secret."""

    queryid: str
    cost: Cost
    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session that does something, waits, or has a transaction open.

    Attributes:
        seconds: how long it has been in this state.
        transaction: for how many seconds its transaction has been open; None: it has none.
        waits: what for, in PostgreSQL's words; empty when it works.
        blocked_by: the processes it waits for; 0 is a prepared transaction.
        text: its last statement, without secrets.
    """

    pid: int
    user: str
    application: str
    client: str
    state: str
    seconds: float
    transaction: float | None
    waits: str
    blocked_by: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a SQLite file open.

    Attributes:
        program: its name without its arguments, which may hold secrets; or its service.
        writes: does it hold the write lock?
    """

    pid: int
    program: str
    writes: bool


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite database from outside.

    Attributes:
        wal_bytes: size of its write-ahead log.
        pending_bytes: how much of that is not yet in the database file; None when it is not known.
        locked: does somebody hold the write lock, be it one who cannot be seen?
        holders: who has the file open, as far as it can be seen.
    """

    bytes: int
    wal_bytes: int
    pending_bytes: int | None
    locked: bool
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One database.

    Attributes:
        failure: why nothing is seen; empty when something is.
        notes: what is missing, and what helps.
        span: for how many seconds statements were counted; None: since their statistics began.
        statements: the costliest first.
    """

    database: str
    engine: Engine | None
    failure: str = ""
    notes: tuple[str, ...] = ()
    span: float | None = None
    statements: tuple[Statement, ...] = ()
    sessions: tuple[Session, ...] = ()
    sqlite: SqliteFile | None = None
