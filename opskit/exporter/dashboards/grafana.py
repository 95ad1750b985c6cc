"""The Grafana dashboard as its JSON model: pure."""

from collections.abc import Iterator, Mapping
from itertools import count

from opskit.exporter.dashboards.panels import ROWS, Form, Panel
from opskit.exporter.dashboards.query import Query
from opskit.runs.plan import JsonValue

WIDTH = 24
"""Columns of Grafana's grid."""

SIZES = {Form.LINES: (8, 7), Form.NUMBERS: (6, 4)}
"""Columns and lines of a panel."""

_SOURCE: Mapping[str, JsonValue] = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> Mapping[str, JsonValue]:
    """All rows under each other, with variables for the datasource, the exporter and the database."""
    return {
        "uid": "opskit",
        "title": "opskit",
        "tags": ["opskit", "postgresql", "sqlite"],
        "schemaVersion": 37,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": list(_variables())},
        "panels": list(_panels()),
    }


def _variables() -> Iterator[JsonValue]:
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    for name, metric in (("instance", "opskit_exporter_build_info"), ("database", "opskit_database_up")):
        yield {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": _SOURCE,
            "definition": f"label_values({metric}, {name})",
            "query": {"query": f"label_values({metric}, {name})", "refId": name},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        }


def _panels() -> Iterator[JsonValue]:
    """Rows and panels from left to right and from top to bottom; what does not fit begins a new line."""
    numbers, top = count(1), 0
    for row in ROWS:
        yield {"id": next(numbers), "type": "row", "title": row.title, "gridPos": _at(0, top, WIDTH, 1)}
        left, top, lowest = 0, top + 1, 0
        for panel in row.panels:
            width, height = SIZES[panel.form]
            if left + width > WIDTH or (lowest and height != lowest):
                left, top = 0, top + lowest
            yield {"id": next(numbers), **_panel(panel), "gridPos": _at(left, top, width, height)}
            left, lowest = left + width, height
        top += lowest


def _at(x: int, y: int, w: int, h: int) -> JsonValue:
    return {"x": x, "y": y, "w": w, "h": h}


def _panel(panel: Panel) -> Mapping[str, JsonValue]:
    shared: dict[str, JsonValue] = {
        "type": panel.form.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "targets": [_target(ref, one, panel) for ref, one in zip("ABC", panel.queries, strict=False)],
        "fieldConfig": {"defaults": {"unit": panel.queries[0].unit.value}, "overrides": []},
    }
    if panel.form is Form.NUMBERS:
        shared["options"] = {"textMode": "value_and_name", "colorMode": "none", "graphMode": "none"}
    return shared


def _target(ref: str, query: Query, panel: Panel) -> JsonValue:
    return {
        "refId": ref,
        "datasource": _SOURCE,
        "expr": query.expression,
        "legendFormat": legend(query, panel),
        "instant": panel.form is Form.NUMBERS,
        "range": panel.form is Form.LINES,
    }


def legend(query: Query, panel: Panel) -> str:
    """What names a line: its labels, and where a panel has several queries the metric."""
    labels = " ".join(f"{{{{{label}}}}}" for label in query.labels)
    return f"{labels} {short(query)}".strip() if len(panel.queries) > 1 or not labels else labels


def short(query: Query) -> str:
    """The metric's own part of its name.

    >>> from opskit.exporter.dashboards.query import of
    >>> short(of("opskit_postgres_wal_bytes_total"))
    'wal bytes'
    """
    name = query.metrics[0].name.removesuffix("_total").removesuffix("_timestamp_seconds")
    return name.removeprefix("opskit_").removeprefix("postgres_").replace("_", " ")
