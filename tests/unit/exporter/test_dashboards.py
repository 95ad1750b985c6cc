"""The dashboards show what the catalogue has, and what is shipped is what the catalogue gives."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from opskit.exporter.catalogue import METRICS
from opskit.exporter.dashboards.__main__ import files
from opskit.exporter.dashboards.panels import NOT_SHOWN, ROWS
from opskit.exporter.dashboards.query import Unit, mean_seconds, of, share
from opskit.exporter.tallies import OWN

MONITORING = Path(__file__).parents[3] / "monitoring"


@pytest.mark.parametrize("name", files())
def test_what_is_shipped_is_current(name: str) -> None:
    assert (MONITORING / name).read_text(encoding="utf-8") == files()[name], (
        "python -m opskit.exporter.dashboards monitoring"
    )


def test_every_metric_is_shown_or_said_not_to_be() -> None:
    shown = {
        metric.name
        for row in ROWS
        for panel in row.panels
        for query in panel.queries
        for metric in query.metrics
    }
    assert shown & NOT_SHOWN == set()
    assert shown | NOT_SHOWN == {metric.name for metric in (*METRICS, *OWN)}


@pytest.mark.parametrize(
    ("name", "expression", "unit"),
    [
        (
            "opskit_database_up",
            'opskit_database_up{instance=~"$instance", database=~"$database"}',
            Unit.NUMBER,
        ),
        (
            "opskit_postgres_wal_directory_bytes",
            'opskit_postgres_wal_directory_bytes{instance=~"$instance"}',
            Unit.BYTES,
        ),
        (
            "opskit_postgres_wal_bytes_total",
            'rate(opskit_postgres_wal_bytes_total{instance=~"$instance"}[$__rate_interval])',
            Unit.BYTES_PER_SECOND,
        ),
        (
            "opskit_postgres_archive_last_success_timestamp_seconds",
            'time() - opskit_postgres_archive_last_success_timestamp_seconds{instance=~"$instance"}',
            Unit.SECONDS,
        ),
        (
            "opskit_probe_duration_seconds",
            (
                "histogram_quantile(0.99, sum by (instance, database, probe, le) (rate("
                'opskit_probe_duration_seconds_bucket{instance=~"$instance", database=~"$database"}'
                "[$__rate_interval])))"
            ),
            Unit.SECONDS,
        ),
    ],
)
def test_a_metric_is_asked_for_by_its_kind_and_name(name: str, expression: str, unit: Unit) -> None:
    assert (of(name).expression, of(name).unit) == (expression, unit)


def test_a_share_of_nothing_is_no_number() -> None:
    hit = of("opskit_postgres_blocks_hit_total")
    assert share(hit, hit).expression == f"{hit.expression} / (({hit.expression}) > 0)"
    assert share(hit, hit).unit is Unit.SHARE
    assert mean_seconds(hit, hit).unit is Unit.SECONDS


def panels() -> list[dict[str, Any]]:
    return json.loads(files()["grafana/opskit.json"])["panels"]


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    areas = [panel["gridPos"] for panel in panels()]
    for one, other in combinations(areas, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(area["x"] + area["w"] <= 24 for area in areas)


def test_every_panel_says_what_it_shows() -> None:
    for panel in panels():
        assert panel["title"]
        assert panel["type"] == "row" or (panel["description"] and panel["targets"])
