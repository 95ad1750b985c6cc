"""Readings into Prometheus' formats: the catalogue applied to the rows, without duplicates, up to a limit.

The formats are written here and not by prometheus_client: its samples cost a scrape more than all that this
process does besides (10 µs a series against 1), and its modules 4 MB. The tests read every answer with it.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Mapping
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
    """A metric with its samples: each what follows the metric's name in its series, and the value."""

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
    labelled: dict[tuple[str, Labels], list[tuple[str, Row]]] = {}
    families: list[Family] = []
    dropped: Counter[str] = Counter()
    series = 0
    for metric in metrics:
        place = (metric.collector, metric.labels)
        if place not in labelled:  # many metrics share them
            labelled[place] = _labelled(tables, *place)
        samples = tuple(_samples(metric.column, labelled[place]).items())
        if len(samples) > limit - series:
            dropped[metric.collector] += len(samples) - (limit - series)
            samples = samples[: limit - series]
        series += len(samples)
        if samples:
            families.append(Family(metric, samples))
    return Exposed(tuple(families), series, dropped)


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
def label_text(labels: Labels, values: tuple[Value, ...]) -> str:
    r"""Labels as both formats write them.

    >>> label_text(("database",), ('a"b',))
    '{database="a\\"b"}'
    """
    if not labels:
        return ""
    pairs = ",".join(
        f'{label}="{"" if value is None else str(value).translate(_ESCAPES)}"'
        for label, value in zip(labels, values, strict=True)
    )
    return f"{{{pairs}}}"


def _lines(family: Family, *, openmetrics: bool) -> list[str]:
    metric = family.metric
    name = metric.name
    lines = [_head(name, metric.kind, metric.help, openmetrics=openmetrics)]
    for text, value in family.samples:
        number = repr(value)
        lines.append(f"{name}{text} {_SPECIAL.get(number, number)}\n")
    return lines


@lru_cache(maxsize=SERIES_LIMIT)
def _head(name: str, kind: Kind, text: str, *, openmetrics: bool) -> str:
    """A counter is known in OpenMetrics without the ending that its series have."""
    known = name.removesuffix("_total") if openmetrics and kind is Kind.COUNTER else name
    return f"# HELP {known} {text.translate(_ESCAPES)}\n# TYPE {known} {kind.value}\n"


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


def _labelled(
    tables: Iterable[Mapping[str, tuple[Row, ...]]], collector: str, labels: Labels
) -> list[tuple[str, Row]]:
    """A collector's rows of all databases, each with its labels."""
    return [
        (label_text(labels, tuple([row.get(label) for label in labels])), row)
        for table in tables
        for row in table.get(collector, ())
    ]


def _samples(column: str, rows: Iterable[tuple[str, Row]]) -> dict[str, float]:
    """Labels → value; of two with the same labels the first counts."""
    found: dict[str, float] = {}
    for text, row in rows:
        value = row.get(column)
        if value is not None and text not in found:
            found[text] = float(value)
    return found
