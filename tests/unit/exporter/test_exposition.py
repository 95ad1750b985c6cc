"""Readings into series: what is unknown is absent, nothing twice, never too many."""

from prometheus_client import CollectorRegistry

from opskit.config import Engine
from opskit.exporter.catalogue import Kind, Metric
from opskit.exporter.exposition import encoded, exposed
from opskit.exporter.reading import Outcome, Reading, Row

SIZE = Metric("size_bytes", Kind.GAUGE, "Size.", "things", "size", ("database",))
BY_COLOUR = Metric("things_total", Kind.COUNTER, "Things.", "things", "count", ("database", "colour"))
OF_SERVER = Metric("limit", Kind.GAUGE, "Limit.", "things", "limit", ())


def reading(*rows: Row, database: str = "main") -> Reading:
    return Reading(database, Engine.SQLITE, True, (), (Outcome("things", 0.1, rows),))


def text(*readings: Reading, metric: Metric, limit: int = 100) -> list[str]:
    families = exposed(readings, [metric], limit).families
    lines = encoded(families, CollectorRegistry(), "")[0].decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_a_column_becomes_a_series_for_each_row() -> None:
    rows = [{"colour": "red", "count": 1}, {"colour": "blue", "count": 2}]
    assert text(reading(*rows), metric=BY_COLOUR) == [
        'things_total{colour="red",database="main"} 1.0',
        'things_total{colour="blue",database="main"} 2.0',
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
    assert line == [r'things_total{colour="a\"b\\c\nd",database="main"} 1.0']


def test_too_many_series_are_left_out_and_counted() -> None:
    rows = [{"colour": str(number), "count": number, "size": 1} for number in range(10)]
    result = exposed([reading(*rows)], [SIZE, BY_COLOUR], 4)
    assert result.series == 4
    assert result.dropped == {"things": 7}
    assert [len(family.samples) for family in result.families] == [1, 3]
