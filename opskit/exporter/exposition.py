"""Readings into Prometheus' formats: the catalogue applied to the rows, without duplicates, up to a limit."""

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from opskit.config import Engine
from opskit.exporter.catalogue import METRICS, Kind, Metric
from opskit.exporter.reading import Reading, Row, Value

SERIES_LIMIT = 1500
"""More series than that are never read from the databases into one answer."""

GZIP_LEVEL = 1
"""A higher level costs more time than the rest of the answer, and saves little."""

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exposed:
    """The families of one answer.

    Attributes:
        dropped: how many series were left out, by collector.
    """

    families: tuple[Family, ...]
    series: int
    dropped: Mapping[str, int]


def exposed(
    readings: Iterable[Reading], metrics: Iterable[Metric] = METRICS, limit: int = SERIES_LIMIT
) -> Exposed:
    """The readings as metric families, in the catalogue's order, which is also that of keeping."""
    tables = [(reading.database, _rows_by_collector(reading)) for reading in readings]
    families: list[Family] = []
    dropped: Counter[str] = Counter()
    series = 0
    for metric in metrics:
        samples = _samples(metric, tables)
        kept = dict(list(samples.items())[: limit - series])
        dropped[metric.collector] += len(samples) - len(kept)
        series += len(kept)
        if kept:
            families.append(_family(metric, kept))
    return Exposed(tuple(families), series, {name: count for name, count in dropped.items() if count})


def encoded(families: Iterable[Family], own: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The answer and its content type, which the client's Accept header chooses."""
    generate, content_type = choose_encoder(accept)
    return generate(_Families([*families, *own.collect()])), content_type


def compressed(body: bytes) -> bytes:
    """The body for a client that accepts gzip."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


class _Families(Collector):
    """prometheus_client's Collector protocol over what is already there."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


def _rows_by_collector(reading: Reading) -> dict[str, tuple[Row, ...]]:
    """The collectors' rows, and in the same shape what the reading says about itself."""
    engine = reading.engine.value if reading.engine else None
    return {
        "health": ({"up": reading.up},),
        "engines": tuple({"engine": one.value, "in_use": one.value == engine} for one in Engine if engine),
        "collectors": tuple(
            {"collector": one.name, "success": one.failure is None, "seconds": one.seconds}
            for one in reading.collectors
        ),
        **{one.name: tuple({"engine": engine, **row} for row in one.rows) for one in reading.collectors},
    }


def _samples(
    metric: Metric, tables: Iterable[tuple[str, Mapping[str, tuple[Row, ...]]]]
) -> dict[Labels, float]:
    """Label values → value; of two with the same labels the first counts."""
    found: dict[Labels, float] = {}
    for database, table in tables:
        for row in table.get(metric.collector, ()):
            value = row.get(metric.column)
            if value is not None:
                found.setdefault(tuple(_labels(metric, database, row)), float(value))
    return found


def _labels(metric: Metric, database: str, row: Row) -> Iterator[str]:
    for label in metric.labels:
        yield database if label == "database" else _text(row.get(label))


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _family(metric: Metric, samples: Mapping[Labels, float]) -> Family:
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family
