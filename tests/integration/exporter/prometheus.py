"""A real Prometheus, and what it is asked."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml


def tool(name: str) -> str:
    """A program of Debian's packages prometheus and prometheus-alertmanager; CI must have it."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI") != "true":
        pytest.skip(f"{name} is not installed (Debian packages prometheus, prometheus-alertmanager)")
    assert path, f"{name} is not installed"
    return path


@dataclass(frozen=True)
class Prometheus:
    """One that runs.

    Attributes:
        url: its address, without a path.
    """

    url: str

    def get(self, path: str, **parameters: str) -> bytes:
        with urlopen(f"{self.url}/{path}?{urlencode(parameters)}", timeout=5) as response:
            return response.read()

    def asked(self, query: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values of an instant query; empty while it is starting."""
        try:
            answer = json.loads(self.get("api/v1/query", query=query))
        except OSError:
            return []
        result: list[dict[str, Any]] = answer["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def by_database(self, query: str) -> dict[str, float]:
        """The database label → value of an instant query."""
        return {labels.get("database", ""): value for labels, value in self.asked(query)}

    def firing(self) -> set[str]:
        """The alerts that fire."""
        return {labels["alertname"] for labels, _ in self.asked('ALERTS{alertstate="firing"}')}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prometheus(
    directory: Path, port: int, *arguments: str, seconds: int = 1, rules: Sequence[Path] = ()
) -> Generator[Prometheus]:
    """One that scrapes the exporter on `port` every so many seconds, and goes by the rules."""
    directory.mkdir()
    configuration = {
        "global": dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), f"{seconds}s"),
        "rule_files": [str(file) for file in rules],
        "scrape_configs": [{"job_name": "opskit", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        tool("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address={address}",
        *arguments,
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Prometheus(f"http://{address}")
    finally:
        process.kill()
        process.wait()
