"""Readings into Prometheus' formats: the catalogue applied to the rows, without duplicates, up to a limit.

The formats are written here and not by prometheus_client: its samples cost a scrape more than all that this
process does besides (10 µs a series against 1), and its modules 4 MB. The tests read every answer with it.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from opskit.config import Engine
from opskit.exporter.catalogue import METRICS
from opskit.exporter.metric import Kind, Metric
from opskit.exporter.reading import Reading, Row, Value

SERIES_LIMIT = 1500
"""More series than that are never read from the databases into one answer."""

GZIP_LEVEL = 1
"""A higher level costs more time than the rest of the answer, and saves little."""

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_SPECIAL = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its samples: each the text of its series, and the value."""

    metric: Metric
    samples: tuple[tuple[str, float], ...]


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
    tables = [_rows_by_collector(reading) for reading in readings]
    families: list[Family] = []
    dropped: Counter[str] = Counter()
    series = 0
    for metric in metrics:
        samples = tuple(_samples(metric, tables).items())
        kept = samples[: limit - series]
        dropped[metric.collector] += len(samples) - len(kept)
        series += len(kept)
        if kept:
            families.append(Family(metric, kept))
    return Exposed(tuple(families), series, {name: count for name, count in dropped.items() if count})


def encoded(families: Iterable[Family], accept: str) -> tuple[bytes, str]:
    """The answer and its content type, which the client's Accept header chooses."""
    openmetrics = "application/openmetrics-text" in accept
    lines = [line for family in families for line in _lines(family, openmetrics=openmetrics)]
    end = "# EOF\n" if openmetrics else ""
    return ("".join(lines) + end).encode(), OPENMETRICS if openmetrics else TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client with this Accept-Encoding header takes gzip (RFC 9110, 12.5.3).

    >>> accepts_gzip("br, gzip;q=0.5"), accepts_gzip("gzip; q=0"), accepts_gzip("identity")
    (True, False, False)
    """
    for one in accept_encoding.lower().split(","):
        coding, _, weight = one.partition(";")
        if coding.strip() == "gzip":
            return re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return False


def compressed(body: bytes) -> bytes:
    """The body for a client that accepts gzip."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


@lru_cache(maxsize=4 * SERIES_LIMIT)
def series(name: str, labels: Labels, values: tuple[Value, ...]) -> str:
    r"""A series as both formats write it.

    >>> series("opskit_database_up", ("database",), ('a"b',))
    'opskit_database_up{database="a\\"b"}'
    """
    if not labels:
        return name
    pairs = ",".join(
        f'{label}="{"" if value is None else str(value).translate(_ESCAPES)}"'
        for label, value in zip(labels, values, strict=True)
    )
    return f"{name}{{{pairs}}}"


def _lines(family: Family, *, openmetrics: bool) -> Iterator[str]:
    """The family's lines; a counter is known in OpenMetrics without the ending that its series have."""
    metric = family.metric
    counter = openmetrics and metric.kind is Kind.COUNTER
    name = metric.name.removesuffix("_total") if counter else metric.name
    yield f"# HELP {name} {metric.help.translate(_ESCAPES)}\n# TYPE {name} {metric.kind.value}\n"
    for text, value in family.samples:
        number = repr(value)
        yield f"{text} {_SPECIAL.get(number, number)}\n"


def _rows_by_collector(reading: Reading) -> Mapping[str, tuple[Row, ...]]:
    """The rows by collector with the labels that none has to name; likewise what the reading says
    about itself.
    """
    engine = reading.engine
    implied = {"database": reading.database, "engine": engine.value if engine else ""}
    own: Mapping[str, Iterable[Row]] = {
        "health": ({"up": reading.up},),
        "engines": ({"engine": one.value, "in_use": one is engine} for one in Engine if engine),
        "collectors": (
            {"collector": one.name, "success": one.failure is None, "seconds": one.seconds}
            for one in reading.collectors
        ),
    }
    found = {**own, **{one.name: one.rows for one in reading.collectors}}
    return {name: tuple([{**implied, **row} for row in rows]) for name, rows in found.items()}


def _samples(metric: Metric, tables: Iterable[Mapping[str, tuple[Row, ...]]]) -> dict[str, float]:
    """Series → value; of two with the same labels the first counts."""
    found: dict[str, float] = {}
    name, column, labels = metric.name, metric.column, metric.labels
    for table in tables:
        for row in table.get(metric.collector, ()):
            value = row.get(column)
            if value is not None:
                values = tuple([row.get(label) for label in labels])
                found.setdefault(series(name, labels, values), float(value))
    return found
