"""What a metric is."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """A metric's type in the exposition."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family.

    Attributes:
        collector: whose rows hold the value; the same name on both engines.
        column: where the value stands in a row; a row without it, or with None there, gives no series.
        labels: `database` is the configured name; every other label is a column of the collector's rows.
            A family without `database` belongs to the server, and one database speaks for all.
    """

    name: str
    kind: Kind
    help: str
    collector: str
    column: str
    labels: tuple[str, ...]


DATABASE = ("database",)


def gauge(name: str, text: str, source: str, labels: tuple[str, ...] = DATABASE) -> Metric:
    """An entry whose value stands in `source`, which is COLLECTOR.COLUMN."""
    collector, column = source.split(".")
    return Metric(name, Kind.GAUGE, text, collector, column, labels)


def counter(name: str, text: str, source: str, labels: tuple[str, ...] = DATABASE) -> Metric:
    """An entry whose value stands in `source`, which is COLLECTOR.COLUMN, and only grows."""
    collector, column = source.split(".")
    return Metric(name, Kind.COUNTER, text, collector, column, labels)
