"""Readings into series: what is unknown is absent, nothing twice, never too many."""

import math

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from opskit.config import Engine
from opskit.exporter.exposition import encoded, exposed
from opskit.exporter.metric import Kind, Metric
from opskit.exporter.reading import Outcome, Reading, Row
from opskit.exporter.tallies import Tallies

SIZE = Metric("size_bytes", Kind.GAUGE, "Size.", "things", "size", ("database",))
BY_COLOUR = Metric("things_total", Kind.COUNTER, "Things.", "things", "count", ("database", "colour"))
OF_SERVER = Metric("limit", Kind.GAUGE, "Limit.", "things", "limit", ())


def reading(*rows: Row, database: str = "main") -> Reading:
    return Reading(database, Engine.SQLITE, True, (), (Outcome("things", 0.1, rows),))


def text(*readings: Reading, metric: Metric, limit: int = 100) -> list[str]:
    families = exposed(readings, [metric], limit).families
    lines = encoded(families, "")[0].decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_a_column_becomes_a_series_for_each_row() -> None:
    rows = [{"colour": "red", "count": 1}, {"colour": "blue", "count": 2}]
    assert text(reading(*rows), metric=BY_COLOUR) == [
        'things_total{database="main",colour="red"} 1.0',
        'things_total{database="main",colour="blue"} 2.0',
    ]


def test_what_is_unknown_is_absent_and_not_zero() -> None:
    assert text(reading({"size": None}, {}), metric=SIZE) == []


def test_zero_and_false_are_known() -> None:
    assert text(reading({"size": 0}), metric=SIZE) == ['size_bytes{database="main"} 0.0']
    assert text(reading({"size": False}), metric=SIZE) == ['size_bytes{database="main"} 0.0']


def test_what_belongs_to_the_server_is_told_by_one_database() -> None:
    both = (reading({"limit": 100}), reading({"limit": 100}, database="walmart"))
    assert text(*both, metric=OF_SERVER) == ["limit 100.0"]


def test_the_same_labels_twice_make_one_series() -> None:
    assert text(reading({"size": 1}, {"size": 2}), metric=SIZE) == ['size_bytes{database="main"} 1.0']


def test_labels_are_escaped() -> None:
    line = text(reading({"colour": 'a"b\\c\nd', "count": 1}), metric=BY_COLOUR)
    assert line == [r'things_total{database="main",colour="a\"b\\c\nd"} 1.0']


def test_too_many_series_are_left_out_and_counted() -> None:
    rows = [{"colour": str(number), "count": number, "size": 1} for number in range(10)]
    result = exposed([reading(*rows)], [SIZE, BY_COLOUR], 4)
    assert result.series == 4
    assert result.dropped == {"things": 7}
    assert [len(family.samples) for family in result.families] == [1, 3]


@pytest.mark.parametrize("value", [0.1, 1e300, -5e-324, 2.0**60, math.inf, -math.inf])
@pytest.mark.parametrize("colour", ["", "red", 'a"b\\c\nd', "rosé"])
def test_both_formats_are_read_as_they_were_meant(value: float, colour: str) -> None:
    families = exposed([reading({"size": value, "colour": colour, "count": 1})], [SIZE, BY_COLOUR]).families
    expected = [
        ("size_bytes", {"database": "main"}, value),
        ("things_total", {"database": "main", "colour": colour}, 1.0),
    ]
    for accept, parse in (("", text_families), ("application/openmetrics-text", openmetrics_families)):
        body = encoded(families, accept)[0].decode()
        assert [
            (sample.name, sample.labels, sample.value) for one in parse(body) for sample in one.samples
        ] == expected


def test_the_probes_histogram_is_one_for_both_formats() -> None:
    tallies = Tallies()
    for seconds in (0.0005, 0.001, 0.3, 60):
        tallies.reading(Reading("main", Engine.SQLITE, True, (Outcome("connect", seconds),)))
    for accept, parse in (("", text_families), ("application/openmetrics-text", openmetrics_families)):
        body = encoded(tallies.families(), accept)[0].decode()
        (histogram,) = [one for one in parse(body) if one.name == "opskit_probe_duration_seconds"]
        buckets = {one.labels["le"]: one.value for one in histogram.samples if one.name.endswith("_bucket")}
        assert (buckets["0.001"], buckets["0.25"], buckets["0.5"], buckets["+Inf"]) == (2, 2, 3, 4)
        assert [one.value for one in histogram.samples if one.name.endswith("_count")] == [4]
        assert [one.value for one in histogram.samples if one.name.endswith("_sum")] == [60.3015]
