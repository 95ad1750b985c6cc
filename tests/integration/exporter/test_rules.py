"""Prometheus' and Alertmanager's own tools read what is shipped for them."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.exporter.prometheus import tool

HERE = Path(__file__).parent
MONITORING = HERE.parents[2] / "monitoring"


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
    clean(tool("amtool"), "check-config", MONITORING / "alertmanager/alertmanager.yml")
