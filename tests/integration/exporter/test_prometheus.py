"""A real Prometheus scrapes a real exporter."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.integration.exporter.world import Exporter, World, wait_until

CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: opskit
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prometheus(directory: Path, exporter: Exporter) -> Generator[str]:
    """The base URL of a Prometheus that scrapes the exporter every second."""
    program = shutil.which("prometheus")
    if program is None and os.environ.get("CI") != "true":
        pytest.skip("prometheus is not installed (Debian package prometheus)")
    assert program, "prometheus is not installed"
    directory.mkdir()
    (directory / "prometheus.yml").write_text(CONFIGURATION.format(port=exporter.port), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address={address}",
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def asked(base: str, query: str) -> dict[str, float]:
    """The database label → value of an instant query; empty while Prometheus is starting."""
    try:
        with urlopen(f"{base}/api/v1/query?{urlencode({'query': query})}", timeout=5) as response:
            result = json.load(response)["data"]["result"]
    except OSError:
        return {}
    return {one["metric"].get("database", ""): float(one["value"][1]) for one in result}


def test_prometheus_sees_both_databases_before_and_after_a_cutover(world: World, exporter: Exporter) -> None:
    both = {"main": 1.0, "walmart": 1.0}
    with prometheus(world.directory / "prometheus", exporter) as base:
        wait_until(
            lambda: (
                asked(base, 'opskit_database_up * on(database) opskit_database_engine{engine="sqlite"}')
                == both
            )
        )
        assert asked(base, "up") == {"": 1.0}
        world.use("postgresql")
        wait_until(
            lambda: (
                asked(base, 'opskit_database_up * on(database) opskit_database_engine{engine="postgresql"}')
                == both
            )
        )
        wait_until(lambda: len(asked(base, "sum by (database) (rate(opskit_statements_total[10s]))")) == 2)
        assert set(asked(base, "min_over_time(opskit_database_up[1m])").values()) == {1.0}
        with urlopen(f"{base}/api/v1/targets", timeout=5) as response:
            targets = json.load(response)["data"]["activeTargets"]
    assert [(target["health"], target["lastError"]) for target in targets] == [("up", "")]
