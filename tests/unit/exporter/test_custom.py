"""Queries of one's own: what their file may say, and what becomes of what they find."""

from pathlib import Path

import pytest

from opskit.config import Engine
from opskit.errors import ConfigurationError
from opskit.exporter.catalogue import METRICS
from opskit.exporter.custom import CustomQuery, load_queries, understood
from opskit.exporter.reading import Outcome, Row

ORDERS = """
queries:
  orders:
    query: select status, count(*) as waiting from orders group by status
    every: 1m
    metrics:
      shop_orders: {type: gauge, help: Orders by status., column: waiting, labels: [status]}
"""


def loaded(tmp_path: Path, text: str) -> tuple[CustomQuery, ...]:
    file = tmp_path / "queries.yaml"
    file.write_text(text, encoding="utf-8")
    return load_queries(file, ("main", "walmart"), METRICS)


def found(tmp_path: Path, *rows: Row) -> Outcome:
    queries = {one.name: one for one in loaded(tmp_path, ORDERS)}
    return understood(Outcome("orders", 0.1, rows), queries)


def test_a_query_is_asked_of_every_database_on_postgresql_unless_it_says_otherwise(tmp_path: Path) -> None:
    (orders,) = loaded(tmp_path, ORDERS)
    assert orders.every == 60
    assert orders.on(Engine.POSTGRESQL, "walmart")
    assert not orders.on(Engine.SQLITE, "main")
    (metric,) = orders.metrics
    assert (metric.name, metric.labels) == ("shop_orders", ("database", "status"))
    (one,) = loaded(tmp_path, ORDERS.replace("every: 1m", "engine: sqlite\n    databases: [main]"))
    assert one.on(Engine.SQLITE, "main")
    assert not one.on(Engine.SQLITE, "walmart")


@pytest.mark.parametrize(
    ("wrong", "right", "where"),
    [
        ("gauge", "counter", "queries.orders.metrics.shop_orders: counters"),
        ("shop_orders", "shop_orders_total", "queries.orders.metrics.shop_orders_total: counters"),
        ("shop_orders", "opskit_orders", "queries.orders.metrics.opskit_orders: the name begins with"),
        ("shop_orders", "Shop", "queries.orders.metrics.Shop: the name"),
        ("[status]", "[status, status]", "queries.orders.metrics.shop_orders.labels: a label"),
        ("[status]", "[database]", "queries.orders.metrics.shop_orders.labels: a label"),
        ("  orders:", "  tables:", "queries.tables: the name is opskit's own"),
        ("every: 1m", "databases: [nowhere]", "queries.orders.databases: the configuration names no"),
        ("column: waiting", "col: waiting", "queries.orders.metrics.shop_orders.col: unknown key"),
        ("every: 1m", "each: 1m", "queries.orders.each: unknown key"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_place(
    tmp_path: Path, wrong: str, right: str, where: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        loaded(tmp_path, ORDERS.replace(wrong, right))
    assert any(f"queries.yaml: {where}" in fault.message for fault in raised.value.faults), raised.value


def test_two_queries_with_one_metric_are_refused(tmp_path: Path) -> None:
    second = ORDERS.partition("queries:\n")[2].replace("  orders:", "  more:")
    with pytest.raises(ConfigurationError, match="another query has a metric of this name"):
        loaded(tmp_path, ORDERS + second)


def test_values_become_numbers_and_labels_text(tmp_path: Path) -> None:
    outcome = found(tmp_path, {"status": 12345678.0, "waiting": "2.5"}, {"status": None, "waiting": None})
    assert outcome.rows == ({"status": "12345678", "waiting": 2.5}, {"status": "", "waiting": None})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"status": "new", "waiting": "many"}, "not_a_number"),
        ({"status": "new"}, "no_such_column"),
        ({"waiting": 1.0}, "no_such_column"),
    ],
)
def test_a_query_that_does_not_yield_what_its_metrics_need_fails_as_a_whole(
    tmp_path: Path, row: Row, reason: str
) -> None:
    outcome = found(tmp_path, {"status": "new", "waiting": 1.0}, row)
    assert (outcome.rows, outcome.failure) == ((), reason)


def test_other_outcomes_are_left_as_they_are(tmp_path: Path) -> None:
    queries = {one.name: one for one in loaded(tmp_path, ORDERS)}
    tables = Outcome("tables", 0.1, ({"tables": 3.0},))
    assert understood(tables, queries) is tables
