"""The last hour of a database for the page's charts, in memory that does not grow."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opskit.exporter.facts import Facts
from opskit.exporter.reading import Reading

POINTS = 240
SPACING_SECONDS = 14.0
"""A collection that follows sooner gives no point: a scrape every 15 s fills the hour."""

HOUR = 3600.0

LEVELS: Mapping[str, str] = {
    "connections": "connections.connections",
    "blocked": "blocking.blocked",
    "size": "size.size_bytes",
    "log_pending": "wal.pending",
    "writing": "lock.write_lock_held",
}
"""Charts of a value as it was found (of rows: their sum), and where it stands."""

SUMS: Mapping[str, str] = {
    "queries": "statements.calls",
    "query_seconds": "statements.seconds",
    "hits": "transactions.blocks_hit",
    "reads": "transactions.blocks_read",
    "committed": "transactions.committed",
    "rolled_back": "transactions.rolled_back",
}
"""What only grows, and is charted by how fast."""

CHARTS = (*LEVELS, "up", "answer_seconds", "queries", "mean_seconds", "hit_ratio", "transactions")

UNKNOWN = math.nan


@dataclass(frozen=True, slots=True)
class Point:
    """A value, and how many seconds ago it was so."""

    age: float
    value: float


class History:
    """The points of one database; belongs to the event loop."""

    def __init__(self) -> None:
        self._times = array("d", [UNKNOWN]) * POINTS
        self._values = {name: array("d", [UNKNOWN]) * POINTS for name in CHARTS}
        self._next = 0
        self._sums: Mapping[str, float] = {}
        self._at = -math.inf

    def add(self, reading: Reading, now: float) -> None:
        """Takes a point from a reading, unless the last one is too near.

        Args:
            now: seconds on a clock that only goes forward.
        """
        if now - self._at < SPACING_SECONDS:
            return
        facts = Facts(reading)
        sums = {name: value for name, source in SUMS.items() if (value := facts.total(source)) is not None}
        values = {**levels(reading, facts), **rates(self._sums, sums, now - self._at)}
        self._times[self._next] = now
        for name, ring in self._values.items():
            ring[self._next] = values.get(name, UNKNOWN)
        self._next = (self._next + 1) % POINTS
        self._sums, self._at = sums, now

    def points(self, chart: str, now: float) -> Sequence[Point]:
        """The points of the last hour at which the value was known, the oldest first."""
        order = [*range(self._next, POINTS), *range(self._next)]
        ring = self._values[chart]
        points = [Point(now - self._times[one], ring[one]) for one in order]
        return [one for one in points if one.age <= HOUR and not math.isnan(one.value)]

    def last(self, chart: str) -> float | None:
        """The newest value; None when it was not known then."""
        value = self._values[chart][self._next - 1]
        return None if math.isnan(value) else value


def levels(reading: Reading, facts: Facts) -> Mapping[str, float]:
    """What is charted as it is."""
    found = {name: facts.total(source) for name, source in LEVELS.items()}
    found |= {"up": float(reading.up), "answer_seconds": facts.answer_seconds()}
    return {name: value for name, value in found.items() if value is not None}


def rates(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> Mapping[str, float]:
    """What is charted by how fast it grew; a sum that fell has begun anew, and says nothing."""
    grown = {name: after[name] - before[name] for name in after if name in before}
    grown = {name: one for name, one in grown.items() if one >= 0}
    queries, blocks = grown.get("queries", 0.0), grown.get("hits", 0.0) + grown.get("reads", 0.0)
    found: dict[str, float] = {}
    if "queries" in grown:
        found["queries"] = queries / seconds
    if queries and "query_seconds" in grown:
        found["mean_seconds"] = grown["query_seconds"] / queries
    if blocks and {"hits", "reads"} <= grown.keys():
        found["hit_ratio"] = grown["hits"] / blocks
    if {"committed", "rolled_back"} <= grown.keys():
        found["transactions"] = (grown["committed"] + grown["rolled_back"]) / seconds
    return found
