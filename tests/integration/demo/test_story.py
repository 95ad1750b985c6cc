"""`opskit demo` as an operator runs it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.host.scratch import scratch_directory

DEMO = [sys.executable, "-m", "opskit", "demo", "--rows", "2000"]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Scratch directories go where the test can see whether they are gone; a socket's path must be short."""
    with scratch_directory() as scratch:
        scratch.chmod(0o755)
        yield {**os.environ, "TMPDIR": str(scratch)}


def left_in(environment: dict[str, str]) -> list[Path]:
    return list(Path(environment["TMPDIR"]).iterdir())


def test_the_story_ends_well_and_leaves_nothing(environment: dict[str, str], postgresql: object) -> None:
    done = subprocess.run(
        [*DEMO, "--exit", "-o", "json"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["result"]
    assert result["rows"] == 2000
    assert result["migration"]["verified"]
    assert result["equal"]
    assert result["planted_change_found"] == "table product_families: changed: id=1 (name)"
    assert result["scrape"]["series"] > 100
    assert left_in(environment) == []


def test_it_serves_both_databases_until_interrupted(environment: dict[str, str], postgresql: object) -> None:
    with subprocess.Popen(
        DEMO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        address = next(line.split()[1] for line in demo.stderr if line.startswith("Serving "))
        with urllib.request.urlopen(f"{address}metrics", timeout=10) as response:
            text = response.read().decode()
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert demo.returncode == 0
    for database in ("main", "walmart"):
        assert f'opskit_database_up{{database="{database}"}} 1.0' in text
        assert f'opskit_database_engine{{database="{database}",engine="postgresql"}} 1.0' in text
    assert left_in(environment) == []


def test_killed_it_leaves_no_server_and_the_next_run_removes_its_files(
    environment: dict[str, str], postgresql: object
) -> None:
    with subprocess.Popen(
        DEMO, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        next(line for line in demo.stderr if line.startswith("Serving "))
        demo.kill()
        demo.communicate(timeout=60)
    assert left_in(environment)
    assert gone(environment["TMPDIR"])
    again = subprocess.run([*DEMO, "--exit"], env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert left_in(environment) == []


def gone(scratch: str) -> bool:
    """Has every process ended that was started in the directory?"""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        commands = subprocess.run(["pgrep", "-f", scratch], capture_output=True, text=True, check=False)
        if not commands.stdout.strip():
            return True
        time.sleep(0.1)
    return False
