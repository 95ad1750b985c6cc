"""What the exporter counts itself, across collections, in a registry of its own."""

import platform
import time
from collections.abc import Mapping

import apsw
import psycopg
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from opskit import __version__
from opskit.exporter.catalogue import Kind, Metric
from opskit.exporter.reading import Reading


def _own(name: str, kind: Kind, text: str, *labels: str) -> Metric:
    return Metric(name, kind, text, "self", "", labels)


PROBE_DURATION = _own(
    "opskit_probe_duration_seconds",
    Kind.HISTOGRAM,
    "How long it took to connect, and to be answered.",
    "database",
    "probe",
)
PROBE_FAILURES = _own(
    "opskit_probe_failures_total",
    Kind.COUNTER,
    "Probes that failed, by reason.",
    "database",
    "probe",
    "reason",
)
PROBE_LAST_SUCCESS = _own(
    "opskit_probe_last_success_timestamp_seconds",
    Kind.GAUGE,
    "When the probe last succeeded, as Unix time.",
    "database",
    "probe",
)
COLLECTOR_LAST_SUCCESS = _own(
    "opskit_collector_last_success_timestamp_seconds",
    Kind.GAUGE,
    "When the collector last succeeded, as Unix time.",
    "database",
    "collector",
)
COLLECTOR_FAILURES = _own(
    "opskit_collector_failures_total",
    Kind.COUNTER,
    "Runs of the collector that failed, by reason.",
    "database",
    "collector",
    "reason",
)
BUILD_INFO = _own(
    "opskit_exporter_build_info",
    Kind.GAUGE,
    "Versions the exporter is made of; always 1.",
    "version",
    "python",
    "libpq",
    "sqlite",
)
SNAPSHOT_AGE = _own(
    "opskit_exporter_snapshot_age_seconds", Kind.GAUGE, "Age of the collection that this answer shows."
)
SERIES = _own(
    "opskit_exporter_series", Kind.GAUGE, "Series in this answer that were read from the databases."
)
SERIES_DROPPED = _own(
    "opskit_exporter_series_dropped_total",
    Kind.COUNTER,
    "Series left out because an answer would have held too many.",
    "collector",
)
HTTP_REQUESTS = _own(
    "opskit_exporter_http_requests_total", Kind.COUNTER, "Requests answered.", "path", "code"
)

OWN = (
    PROBE_DURATION,
    PROBE_FAILURES,
    PROBE_LAST_SUCCESS,
    COLLECTOR_LAST_SUCCESS,
    COLLECTOR_FAILURES,
    BUILD_INFO,
    SNAPSHOT_AGE,
    SERIES,
    SERIES_DROPPED,
    HTTP_REQUESTS,
)
"""What the exporter counts itself."""


BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Of the probe's duration, in seconds: a socket on this host is in the first, the deadline in the last."""


class Tallies:
    """Counters that live as long as the exporter; belongs to the event loop."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._probe_duration = self._histogram(PROBE_DURATION)
        self._probe_failures = self._counter(PROBE_FAILURES)
        self._probe_last_success = self._gauge(PROBE_LAST_SUCCESS)
        self._collector_failures = self._counter(COLLECTOR_FAILURES)
        self._collector_last_success = self._gauge(COLLECTOR_LAST_SUCCESS)
        self._dropped = self._counter(SERIES_DROPPED)
        self._requests = self._counter(HTTP_REQUESTS)
        self._age = self._gauge(SNAPSHOT_AGE)
        self._series = self._gauge(SERIES)
        build = (__version__, platform.python_version(), _libpq(), apsw.sqlite_lib_version())
        self._gauge(BUILD_INFO).labels(*build).set(1)

    def reading(self, reading: Reading) -> None:
        """Counts the outcome of every probe and collector."""
        for one in reading.probes:
            if one.failure:
                self._probe_failures.labels(reading.database, one.name, one.failure).inc()
            else:
                self._probe_duration.labels(reading.database, one.name).observe(one.seconds)
                self._probe_last_success.labels(reading.database, one.name).set(time.time())
        for one in reading.collectors:
            if one.failure:
                self._collector_failures.labels(reading.database, one.name, one.failure).inc()
            else:
                self._collector_last_success.labels(reading.database, one.name).set(time.time())

    def request(self, path: str, code: int) -> None:
        """Counts an answer; `path` is one of few."""
        self._requests.labels(path, str(code)).inc()

    def answer(self, series: int, dropped: Mapping[str, int], age: float) -> None:
        """Notes what this answer holds: series, those left out by collector, and its age in seconds."""
        self._series.set(series)
        self._age.set(age)
        for collector, count in dropped.items():
            self._dropped.labels(collector).inc(count)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, registry=self.registry, buckets=BUCKETS)


def _libpq() -> str:
    number = psycopg.pq.version()
    return f"{number // 10000}.{number % 10000}"
