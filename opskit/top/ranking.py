"""Which statements cost most, and which sessions matter most: pure."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from opskit.top.model import Cost, Session


class Sort(Enum):
    """By what statements are ranked."""

    TIME = "time"
    CALLS = "calls"
    MEAN = "mean"
    ROWS = "rows"


def following(sort: Sort) -> Sort:
    """The next one, from the last to the first.

    >>> following(Sort.ROWS)
    <Sort.TIME: 'time'>
    """
    every = list(Sort)
    return every[(every.index(sort) + 1) % len(every)]


def mean(cost: Cost) -> float:
    """Seconds of one execution."""
    return cost.seconds / cost.calls if cost.calls else 0.0


_KEYS: Mapping[Sort, Callable[[Cost], float]] = {
    Sort.TIME: lambda cost: cost.seconds,
    Sort.CALLS: lambda cost: cost.calls,
    Sort.MEAN: mean,
    Sort.ROWS: lambda cost: cost.rows,
}


def spent(before: Mapping[str, Cost], now: Mapping[str, Cost]) -> Mapping[str, Cost]:
    """What was spent between two looks. A statement that ran less often than before was forgotten."""
    return {queryid: _difference(before.get(queryid, Cost()), cost) for queryid, cost in now.items()}


def _difference(before: Cost, now: Cost) -> Cost:
    if now.calls < before.calls:
        return now
    return Cost(now.calls - before.calls, now.seconds - before.seconds, now.rows - before.rows)


def costliest(costs: Mapping[str, Cost], sort: Sort, limit: int) -> Sequence[tuple[str, Cost]]:
    """The first of those that ran at all."""
    ran = [(queryid, cost) for queryid, cost in costs.items() if cost.calls]
    return sorted(ran, key=lambda one: (-_KEYS[sort](one[1]), one[0]))[:limit]


def in_order(sessions: Sequence[Session]) -> tuple[Session, ...]:
    """Who blocks most others first, then who is blocked, then who has been at it for longest."""
    blocks = {one.pid: sum(one.pid in other.blocked_by for other in sessions) for one in sessions}
    return tuple(
        sorted(sessions, key=lambda one: (-blocks[one.pid], not one.blocked_by, -one.seconds, one.pid))
    )
