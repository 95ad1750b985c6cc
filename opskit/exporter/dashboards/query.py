"""How a metric is asked for, by what the catalogue says of it: pure."""

from dataclasses import dataclass, replace
from enum import Enum

from opskit.exporter.catalogue import METRICS
from opskit.exporter.metric import Kind, Metric
from opskit.exporter.tallies import OWN

RATE_WINDOW = "$__rate_interval"
"""Grafana's word for a window that holds enough scrapes."""

INSTANCE = 'instance=~"$instance"'
DATABASE = 'database=~"$database"'
"""The choice of what is shown, in Grafana's words."""

_CATALOGUE = {metric.name: metric for metric in (*METRICS, *OWN)}


class Unit(Enum):
    """What an axis counts, in Grafana's words."""

    NUMBER = "short"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    SECONDS = "s"
    PER_SECOND = "ops"
    SHARE = "percentunit"


@dataclass(frozen=True, slots=True)
class Query:
    """What is drawn.

    Attributes:
        expression: PromQL with $instance, $database and RATE_WINDOW in it.
        labels: what tells its series apart.
        metrics: the metrics it is made of.
    """

    expression: str
    labels: tuple[str, ...]
    unit: Unit
    metrics: tuple[Metric, ...]

    def where(self, condition: str) -> "Query":
        """The same, of the values that meet a condition."""
        return replace(self, expression=f"{self.expression} {condition}")


def of(name: str, *by: str) -> Query:
    """The natural question about a metric: how much, how much a second, how long ago, or the 99th percentile.

    Args:
        by: sum the values by these labels; all of the metric's own when there are none.

    Raises:
        KeyError: the catalogue has no such metric.
    """
    metric = _CATALOGUE[name]
    expression = _summed(_natural(metric), by) if by else _natural(metric)
    return Query(expression, by or metric.labels, _unit(metric), (metric,))


def share(part: Query, *of_which: Query) -> Query:
    """How much one is of the sum of several; what matches is what has the same labels."""
    total = " + ".join(one.expression for one in of_which)
    metrics = tuple(metric for one in (part, *of_which) for metric in one.metrics)
    return Query(f"{part.expression} / (({total}) > 0)", part.labels, Unit.SHARE, metrics)


def mean_seconds(seconds: Query, count: Query) -> Query:
    """How long one of many took."""
    return replace(share(seconds, count), unit=Unit.SECONDS)


def _natural(metric: Metric) -> str:
    selected = f"{metric.name}{{{_selector(metric)}}}"
    if metric.kind is Kind.COUNTER:
        return f"rate({selected}[{RATE_WINDOW}])"
    if metric.kind is Kind.HISTOGRAM:
        buckets = f"rate({metric.name}_bucket{{{_selector(metric)}}}[{RATE_WINDOW}])"
        return f"histogram_quantile(0.99, {_summed(buckets, (*metric.labels, 'le'))})"
    return f"time() - {selected}" if _is_moment(metric) else selected


def _summed(expression: str, by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(('instance', *by))}) ({expression})"


def _selector(metric: Metric) -> str:
    return f"{INSTANCE}, {DATABASE}" if "database" in metric.labels else INSTANCE


def _is_moment(metric: Metric) -> bool:
    return metric.name.endswith("_timestamp_seconds") or metric.name.endswith("_start_time_seconds")


def _unit(metric: Metric) -> Unit:
    name = metric.name.removesuffix("_total")
    counter = metric.kind is Kind.COUNTER
    if name.endswith("_bytes"):
        return Unit.BYTES_PER_SECOND if counter else Unit.BYTES
    if name.endswith("_seconds"):
        return Unit.SHARE if counter else Unit.SECONDS
    if name.endswith("_ratio"):
        return Unit.SHARE
    return Unit.PER_SECOND if counter else Unit.NUMBER
