"""What the exporter counts itself, across collections."""

import platform
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate

import apsw

from opskit import __version__
from opskit.exporter import libpq
from opskit.exporter.exposition import Family, Labels, label_text
from opskit.exporter.metric import DATABASE, Kind, Metric
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
CONFIGURED = _own(
    "opskit_exporter_config_last_reload_successful",
    Kind.GAUGE,
    "Whether the configuration that was last read could be taken over.",
)
CONFIGURED_AT = _own(
    "opskit_exporter_config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    "When a configuration was last taken over, as Unix time.",
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
    CONFIGURED,
    CONFIGURED_AT,
    SNAPSHOT_AGE,
    SERIES,
    SERIES_DROPPED,
    HTTP_REQUESTS,
)
"""What the exporter counts itself."""

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Of the probe's duration, in seconds: a socket on this host is in the first, the deadline in the last."""

_BOUNDS = (*map(str, BUCKETS), "+Inf")


class Tallies:
    """Counters that live as long as the exporter; belongs to the event loop."""

    def __init__(self) -> None:
        self._values: dict[Metric, dict[Labels, float]] = {metric: {} for metric in OWN}
        self._durations: dict[Labels, Histogram] = {}
        build = (__version__, platform.python_version(), _libpq(), apsw.sqlite_lib_version())
        self._set(BUILD_INFO, build, 1)

    def reading(self, reading: Reading) -> None:
        """Counts the outcome of every probe and collector."""
        for one in reading.probes:
            place = (reading.database, one.name)
            if one.failure:
                self._add(PROBE_FAILURES, (*place, one.failure))
            else:
                self._durations.setdefault(place, Histogram()).observe(one.seconds)
                self._set(PROBE_LAST_SUCCESS, place, time.time())
        for one in reading.collectors:
            place = (reading.database, one.name)
            if one.failure:
                self._add(COLLECTOR_FAILURES, (*place, one.failure))
            else:
                self._set(COLLECTOR_LAST_SUCCESS, place, time.time() - one.age)

    def request(self, path: str, code: int) -> None:
        """Counts an answer; `path` is one of few."""
        self._add(HTTP_REQUESTS, (path, str(code)))

    def configured(self, *, succeeded: bool) -> None:
        """Notes whether a configuration was taken over."""
        self._set(CONFIGURED, (), succeeded)
        if succeeded:
            self._set(CONFIGURED_AT, (), time.time())

    def forget(self, database: str) -> None:
        """Leaves out a database that is no longer configured."""
        for metric, values in self._values.items():
            if metric.labels[:1] == DATABASE:
                for labels in [one for one in values if one[0] == database]:
                    del values[labels]
        for place in [one for one in self._durations if one[0] == database]:
            del self._durations[place]

    def answer(self, series: int, dropped: Mapping[str, int], age: float) -> None:
        """Notes what this answer holds: series, those left out by collector, and its age in seconds."""
        self._set(SERIES, (), series)
        self._set(SNAPSHOT_AGE, (), age)
        for collector, count in dropped.items():
            self._add(SERIES_DROPPED, (collector,), count)

    def families(self) -> Iterator[Family]:
        """What has been counted so far."""
        for metric in OWN:
            samples = self._histograms() if metric is PROBE_DURATION else self._samples(metric)
            if samples:
                yield Family(metric, tuple(samples))

    def _set(self, metric: Metric, labels: Labels, value: float) -> None:
        self._values[metric][labels] = float(value)

    def _add(self, metric: Metric, labels: Labels, value: float = 1) -> None:
        values = self._values[metric]
        values[labels] = values.get(labels, 0.0) + value

    def _samples(self, metric: Metric) -> list[tuple[str, float]]:
        values = self._values[metric]
        return [(label_text(metric.labels, labels), value) for labels, value in values.items()]

    def _histograms(self) -> list[tuple[str, float]]:
        labels = PROBE_DURATION.labels
        return [
            sample
            for place, histogram in self._durations.items()
            for sample in (
                *(
                    (f"_bucket{label_text((*labels, 'le'), (*place, bound))}", float(count))
                    for bound, count in zip(_BOUNDS, histogram.cumulated(), strict=True)
                ),
                (f"_sum{label_text(labels, place)}", histogram.sum),
                (f"_count{label_text(labels, place)}", float(sum(histogram.counts))),
            )
        ]


class Histogram:
    """How many of some durations, in seconds, fell into each bucket."""

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds

    def cumulated(self) -> Iterator[int]:
        """For each bucket how many fell into it or a smaller one."""
        return accumulate(self.counts)


def _libpq() -> str:
    number = libpq.version()
    return f"{number // 10000}.{number % 10000}"
