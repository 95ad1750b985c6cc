"""The numbers with a chart at the top of a database's card."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from opskit.config import Engine
from opskit.exporter.facts import Facts
from opskit.exporter.history import History
from opskit.exporter.page import charts
from opskit.exporter.page.markup import Markup, tag
from opskit.exporter.page.words import NONE, count, duration, share, size


def _most(tile: "Tile", values: Sequence[float]) -> str:
    return f"most {tile.words(max(values))}"


def _at_times(tile: "Tile", values: Sequence[float]) -> str:
    return f"{tile.words(1.0)} at {count(sum(values))} of {count(len(values))}"


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, what it is of, and its chart.

    Attributes:
        chart: one of opskit.exporter.history.CHARTS.
        words: a value of the chart as people read it.
        top: what the chart's scale reaches to at least.
        summary: what stands beside the note about the chart's values, of which there is one at least.
    """

    title: str
    value: str
    note: str
    chart: str
    words: Callable[[float], str]
    top: float = 0.0
    summary: Callable[["Tile", Sequence[float]], str] = _most


def tiles(engine: Engine | None, facts: Facts, history: History, now: float) -> Markup:
    """All tiles of a database.

    Args:
        now: on the history's clock.
    """
    known = {Engine.POSTGRESQL: _postgresql, Engine.SQLITE: _sqlite}
    found = known[engine](facts, history) if engine else iter(())
    return tag("div", *(_tile(one, history, now) for one in found), class_="tiles")


def _tile(one: Tile, history: History, now: float) -> Markup:
    points = history.points(one.chart, now)
    summary = one.summary(one, [point.value for point in points]) if points else ""
    foot = tag("p", tag("span", one.note), tag("span", summary), class_="note")
    chart = charts.line(points, one.words, one.title, one.top)
    return tag(
        "section", tag("h3", one.title), tag("p", one.value, class_="value"), chart, foot, class_="tile"
    )


def _postgresql(facts: Facts, history: History) -> Iterator[Tile]:
    yield Tile("Queries", _rate(history.last("queries")), _statistics(facts), "queries", _rate)
    mean = history.last("mean_seconds")
    yield Tile("Time a query", duration(mean), "mean of all that ran", "mean_seconds", duration)
    yield Tile(
        "Transactions", _rate(history.last("transactions")), "ended, either way", "transactions", _rate
    )
    yield Tile(
        "Cache hits", share(history.last("hit_ratio")), "of the blocks read", "hit_ratio", share, top=1.0
    )
    limit = facts.number("limits.connections_limit")
    active = facts.number("connections.connections", state="active")
    yield Tile(
        "Connections",
        count(facts.total("connections.connections")),
        f"of {count(limit)}, {count(active)} active" if limit else "",
        "connections",
        count,
    )
    yield Tile(
        "Waiting for a lock",
        count(facts.number("blocking.blocked")),
        _longest_wait(facts),
        "blocked",
        count,
        top=1.0,
    )
    yield _answer(facts)
    yield _size(facts)


def _sqlite(facts: Facts, _history: History) -> Iterator[Tile]:
    yield _answer(facts)
    held = facts.value("lock.write_lock_held")
    state = NONE if held is None else "held" if held else "free"
    seconds = facts.number("lock.held_seconds")
    note = f"for {duration(seconds)} without a commit" if seconds else "at this moment"
    yield Tile("Write lock", state, note, "writing", _held, top=1.0, summary=_at_times)
    lag = facts.number("wal.reader_lag")
    behind = f"readers are {count(lag)} behind" if lag else "of the write-ahead log"
    yield Tile("Frames to copy back", count(facts.number("wal.pending")), behind, "log_pending", count)
    yield _size(facts)


def _answer(facts: Facts) -> Tile:
    return Tile(
        "Time to answer",
        duration(facts.answer_seconds()),
        "connecting included",
        "answer_seconds",
        duration,
    )


def _size(facts: Facts) -> Tile:
    tables = facts.number("tables.tables")
    note = "" if tables is None else "1 table" if tables == 1 else f"{count(tables)} tables"
    return Tile("Size", size(facts.number("size.size_bytes")), note, "size", size)


def _rate(value: float | None) -> str:
    return NONE if value is None else f"{count(value)}/s"


def _held(value: float) -> str:
    return "held" if value else "free"


def _statistics(facts: Facts) -> str:
    there = facts.value("statement_stats.available")
    return "pg_stat_statements is missing" if there is False else "all that clients sent"


def _longest_wait(facts: Facts) -> str:
    waiting = facts.number("blocking.blocked")
    return f"longest {duration(facts.number('blocking.longest_block'))}" if waiting else "sessions"
