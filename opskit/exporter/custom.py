"""Queries of one's own: metrics of the application, from a file with the same parts as the catalogue."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from opskit.config import Engine, read_document
from opskit.config.parse import Parser
from opskit.errors import ConfigurationError, Fault
from opskit.exporter.metric import DATABASE, Kind, Metric
from opskit.exporter.reading import Outcome, Row, Value

OWN_PREFIX = "opskit_"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = frozenset({"database", "le", "quantile"})


class Type(Enum):
    """What a query may yield: a value as it is, or one that only grows."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """A metric as the file has it, by its name; `labels` are columns, too."""

    type: Type
    help: str
    column: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryEntry:
    """A query as the file has it, by its name.

    Attributes:
        databases: configured names; all of them when empty.
        every: for so many seconds what it found is told again; 0: it is asked at each scrape.
    """

    query: str
    metrics: Mapping[str, MetricEntry]
    engine: Engine = Engine.POSTGRESQL
    databases: tuple[str, ...] = ()
    every: float = field(default=0.0, metadata={"unit": "duration"})


@dataclass(frozen=True, slots=True)
class _File:
    queries: Mapping[str, QueryEntry]


@dataclass(frozen=True, slots=True)
class CustomQuery:
    """A query, its metrics, and for which databases it is; its name is that of its collector."""

    name: str
    text: str
    engine: Engine
    databases: frozenset[str]
    every: float
    metrics: tuple[Metric, ...]

    def on(self, engine: Engine, database: str) -> bool:
        """Is it asked of this database in this engine?"""
        return self.engine is engine and database in self.databases


def load_queries(
    file: Path, databases: Collection[str], metrics: Iterable[Metric]
) -> tuple[CustomQuery, ...]:
    """The queries in the file.

    Args:
        databases: the configured names.
        metrics: those that there are already.

    Raises:
        ConfigurationError: with every fault, each with its place.
    """
    parser = Parser()
    parsed = parser.parse(_File, read_document(file))
    faults = [*parser.faults, *(_faults(parsed, databases, metrics) if parsed else ())]
    if parsed is None or faults:
        raise ConfigurationError(*(replace(one, message=f"{file}: {one.message}") for one in faults))
    return tuple(_query(name, entry, databases) for name, entry in parsed.queries.items())


def _query(name: str, entry: QueryEntry, databases: Collection[str]) -> CustomQuery:
    metrics = tuple(
        Metric(metric, Kind(one.type.value), one.help, name, one.column, (*DATABASE, *one.labels))
        for metric, one in entry.metrics.items()
    )
    chosen = frozenset(entry.databases or databases)
    return CustomQuery(name, entry.query, entry.engine, chosen, entry.every, metrics)


def _faults(file: _File, databases: Collection[str], metrics: Iterable[Metric]) -> Iterator[Fault]:
    taken = {metric.collector for metric in metrics}
    written = Counter(metric for entry in file.queries.values() for metric in entry.metrics)
    for name, entry in file.queries.items():
        where = f"queries.{name}"
        if not _NAME.fullmatch(name) or name in taken:
            yield _fault(where, "the name is opskit's own, or not of lower-case letters, digits and _")
        for database in entry.databases:
            if database not in databases:
                yield _fault(f"{where}.databases", f"the configuration names no database {database!r}")
        for metric, one in entry.metrics.items():
            yield from _of_metric(f"{where}.metrics.{metric}", metric, one, twice=written[metric] > 1)


def _of_metric(where: str, name: str, entry: MetricEntry, *, twice: bool) -> Iterator[Fault]:
    if not _NAME.fullmatch(name) or name.startswith(OWN_PREFIX):
        yield _fault(where, f"the name begins with {OWN_PREFIX}, or not of lower-case letters, digits and _")
    if twice:
        yield _fault(where, "another query has a metric of this name")
    if name.endswith("_total") != (entry.type is Type.COUNTER):
        yield _fault(where, "counters, and only they, end with _total")
    bad = [one for one in entry.labels if not _NAME.fullmatch(one) or one in _RESERVED]
    if bad or len(set(entry.labels)) < len(entry.labels):
        yield _fault(f"{where}.labels", "a label is written twice, has a reserved or an unfit name")


def _fault(where: str, words: str) -> Fault:
    return Fault("configuration", f"{where}: {words}", "docs/exporter.md has an example", where)


def understood(outcome: Outcome, queries: Mapping[str, CustomQuery]) -> Outcome:
    """The outcome with its values as numbers and its labels as text, when it is that of one of the queries.

    A query that lacks a column, or has words for a value, fails as a whole.
    """
    if outcome.failure or outcome.name not in queries:
        return outcome
    metrics = queries[outcome.name].metrics
    try:
        return replace(outcome, rows=tuple(_row(row, metrics) for row in outcome.rows))
    except KeyError:
        return replace(outcome, rows=(), failure="no_such_column")
    except (ValueError, TypeError):
        return replace(outcome, rows=(), failure="not_a_number")


def _row(row: Row, metrics: Iterable[Metric]) -> Row:
    found: dict[str, Value] = {}
    for metric in metrics:
        found |= {label: _label(row[label]) for label in metric.labels[len(DATABASE) :]}
    for metric in metrics:
        value = row[metric.column]
        found[metric.column] = None if value is None else float(value)
    return found


def _label(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
