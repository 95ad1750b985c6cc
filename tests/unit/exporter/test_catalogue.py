"""The catalogue keeps Prometheus' conventions, and queries, collectors and documentation keep to it."""

import re
from pathlib import Path

import pytest

from opskit.config import Engine
from opskit.exporter import postgresql_queries, sqlite, sqlite_queries, status_files
from opskit.exporter.catalogue import METRICS
from opskit.exporter.metric import Kind, Metric
from opskit.exporter.queries import query
from opskit.exporter.tallies import OWN

ALL = (*METRICS, *OWN)
ROOT = Path(__file__).parents[3]
SYNTHETIC = {"health", "engines", "collectors"}


def test_every_name_stands_once() -> None:
    names = [metric.name for metric in ALL]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_names_keep_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"opskit(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.help.endswith((".", "1", "always 1."))
    assert not set(metric.labels) & {"query", "text", "statement"}


def test_every_collector_exists_on_an_engine() -> None:
    asked = {one.name for one in postgresql_queries.COLLECTORS} | set(sqlite.COLLECTORS)
    known = asked | set(status_files.COLLECTORS) | SYNTHETIC
    assert {metric.collector for metric in METRICS} == known


@pytest.mark.parametrize("engine", list(Engine))
def test_every_query_file_is_used_and_its_columns_are_those_of_the_catalogue(engine: Engine) -> None:
    folder = ROOT / "opskit" / "exporter" / "queries" / engine.value
    names = {file.stem for file in folder.glob("*.sql")}
    used = {one.name for one in postgresql_queries.COLLECTORS} | {
        postgresql_queries.IDENTITY.name,
        postgresql_queries.KINDS,
    }
    assert names == (used if engine is Engine.POSTGRESQL else set(sqlite_queries.QUERIES))
    for name in names:
        text = query(engine, name).decode()
        assert text.startswith("-- ")
        columns = {metric.column for metric in METRICS if metric.collector == name}
        if name == postgresql_queries.STATEMENTS:  # the costliest are told from the same columns
            columns = {column.removeprefix("top_") for column in columns} - {"top"}
        known = {column for column in columns if re.search(rf"\b{column}\b", text)}
        assert known == columns or engine is Engine.SQLITE


def test_the_documentation_names_every_metric_with_its_labels_and_help() -> None:
    documented = (ROOT / "docs" / "exporter.md").read_text(encoding="utf-8")
    for metric in ALL:
        labels = ", ".join(metric.labels)
        assert f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help} |" in documented
