"""What a collection yields: plain values from both engines, in one shape."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from opskit.config import Engine
from opskit.errors import DatabaseError, OpskitError

T = TypeVar("T")

Value = str | float | bool | None
Row = Mapping[str, Value]
"""A query's row; the catalogue says which column is whose value, which are labels. None is unknown."""

DEADLINE = "deadline"
"""The reason of a failure that is only that time ran out."""


class ReadFailed(DatabaseError):
    """A probe or collector failed. The fault's code is a metric's `reason`: one of few, never a secret."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one probe or collector gave.

    Attributes:
        seconds: how long it took.
        failure: the reason why there are no rows; None is success.
        age: how many seconds ago that was; 0 is now.
    """

    name: str
    seconds: float
    rows: tuple[Row, ...] = ()
    failure: str | None = None
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One database at one time.

    Attributes:
        engine: None when the configuration does not say which.
        collectors: those that ran; none that asks the database when it is down.
    """

    database: str
    engine: Engine | None
    up: bool
    probes: tuple[Outcome, ...]
    collectors: tuple[Outcome, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether the database is up and everything was read."""
        return self.up and all(one.failure is None for one in (*self.probes, *self.collectors))


class Attempt:
    """Times what is done within it; a failure that opskit understands ends it, and is part of its outcome.

    Attributes:
        failure: its reason; None is success.
    """

    def __init__(self, name: str) -> None:
        self.failure: str | None = None
        self._name = name
        self._begun = time.perf_counter()
        self._seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._seconds = time.perf_counter() - self._begun
        if isinstance(error, OpskitError):
            self.failure = error.faults[0].code
        return self.failure is not None

    def outcome(self, rows: Iterable[Row] = ()) -> Outcome:
        """What it gave; no rows when it failed."""
        return Outcome(self._name, self._seconds, tuple(rows), self.failure)


def probe(name: str, work: Callable[[], T]) -> tuple[Outcome, T | None]:
    """Runs `work`, timed; a failure that opskit understands becomes part of the outcome."""
    result = None
    with Attempt(name) as attempt:
        result = work()
    return attempt.outcome(), result


def collect(name: str, work: Callable[[], Iterable[Row]]) -> Outcome:
    """Runs a collector, which may fail singly."""
    rows: tuple[Row, ...] = ()
    with Attempt(name) as attempt:
        rows = tuple(work())
    return attempt.outcome(rows)
