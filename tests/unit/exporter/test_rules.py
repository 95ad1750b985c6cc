"""The shipped alerts: how grave, what happened, where it is explained; and the metrics they ask for exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from opskit.exporter.catalogue import METRICS
from opskit.exporter.tallies import OWN

ROOT = Path(__file__).parents[3]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "monitoring/prometheus/opskit.rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RUNBOOKS = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
BASE = '{{ or $externalLabels.opskit_docs "https://github.com/opskit/opskit/blob/main/docs" }}'


def metrics_in(expression: str) -> set[str]:
    """opskit's metrics that an expression names; recorded series are named with colons."""
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    words = set(re.findall(r"[a-z][a-z0-9_:]*", expression)) - recorded
    return {word for word in words if "opskit_" in word}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_are_made_of_metrics_that_are_served(rule: dict[str, Any]) -> None:
    assert metrics_in(rule["expr"]) <= {metric.name for metric in (*METRICS, *OWN)}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_names_its_severity_what_it_is_about_and_its_runbook(rule: dict[str, Any]) -> None:
    assert rule["labels"] in [{"severity": one} for one in ("critical", "warning", "info")]
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert re.search(r"\$labels\.(database|instance|slot|replica)", notes["summary"])
    assert notes["runbook_url"] == f"{BASE}/alerts.md#{rule['alert'].lower()}"


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    headings = re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)
    assert sorted(headings) == sorted(rule["alert"] for rule in ALERTS)
    for section in RUNBOOKS.split("\n## ")[1:]:
        assert "\n- Look: " in section
        assert "\n- Remedy: " in section


def test_every_alert_is_tested() -> None:
    cases = "".join(
        file.read_text() for file in (ROOT / "tests/integration/exporter").glob("alerts_*.test.yml")
    )
    assert set(re.findall(r'alertname="(\w+)"', cases)) == {rule["alert"] for rule in ALERTS}


def test_every_alert_is_fired_and_resolved_by_causing_its_failure() -> None:
    files = (ROOT / "tests/integration/exporter").glob("test_alerts_of_*.py")
    fired = re.findall(r'"(Opskit\w+)"', "".join(file.read_text(encoding="utf-8") for file in files))
    assert {rule["alert"] for rule in ALERTS} - set(fired) == set()
