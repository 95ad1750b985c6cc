"""Prometheus' and Alertmanager's own tools read what is shipped for them."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.exporter.prometheus import tool

HERE = Path(__file__).parent
MONITORING = HERE.parents[2] / "monitoring"
EXAMPLE = MONITORING / "alertmanager/alertmanager.yml"


def clean(*command: str | Path) -> str:
    """The output of a program that finds nothing wrong."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_no_fault_with_the_rules() -> None:
    assert "SUCCESS" in clean(tool("promtool"), "check", "rules", MONITORING / "prometheus/opskit.rules.yml")


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.yml")), ids=lambda file: file.stem)
def test_every_alert_is_silent_on_a_healthy_host_fires_for_its_failure_alone_and_resolves(file: Path) -> None:
    clean(tool("promtool"), "test", "rules", file)


def test_amtool_finds_no_fault_with_the_example_for_alertmanager() -> None:
    clean(tool("amtool"), "check-config", EXAMPLE)


def test_a_mail_says_what_happened_and_what_to_do(tmp_path: Path) -> None:
    alert = {
        "status": "firing",
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "main is down",
            "description": "Nobody answers.",
            "runbook_url": "https://docs/alerts.md#opskitdatabasedown",
        },
    }
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"alerts": [alert]}), encoding="utf-8")
    for receiver in yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["receivers"]:
        (mail,) = receiver["email_configs"]
        (tmp_path / "none.tmpl").touch()
        shown = clean(
            tool("amtool"),
            "template",
            "render",
            f"--template.glob={tmp_path}/*.tmpl",
            f"--template.text={mail['text']}",
            f"--template.data={data}",
        )
        assert shown.split("\n")[:3] == [
            "firing (critical): main is down",
            "Nobody answers.",
            "What to do: https://docs/alerts.md#opskitdatabasedown",
        ]
