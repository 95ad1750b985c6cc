"""What a collection yields: plain values from both engines, in one shape."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

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


def probe(name: str, work: Callable[[], T]) -> tuple[Outcome, T | None]:
    """Runs `work`, timed; a failure that opskit understands becomes part of the outcome."""
    start = time.perf_counter()
    try:
        result = work()
    except OpskitError as error:
        return Outcome(name, time.perf_counter() - start, failure=error.faults[0].code), None
    return Outcome(name, time.perf_counter() - start), result


def collect(name: str, work: Callable[[], Iterable[Row]]) -> Outcome:
    """Runs a collector, which may fail singly."""
    start = time.perf_counter()
    try:
        rows = tuple(work())
    except OpskitError as error:
        return Outcome(name, time.perf_counter() - start, failure=error.faults[0].code)
    return Outcome(name, time.perf_counter() - start, rows)
