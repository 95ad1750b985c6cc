"""The shipped unit under a real systemd: it says when it is ready, is watched, and stops when told."""

import socket
import time
from collections.abc import Callable
from urllib.request import urlopen

import pytest

from opskit.demo.sample_data import generate
from tests.system.debian import Debian

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

UNIT = "opskit-exporter.service"
CONFIGURATION = """\
databases:
  main: {{sqlite: /srv/app/crewai_enhanced.db, postgresql: crewai_main}}
  walmart: {{sqlite: /srv/app/walmart_grocery.db, postgresql: crewai_walmart}}
exporter: {{listen: "127.0.0.1:{port}"}}
"""
WATCHDOG_SECONDS = 3
DROP_IN = f"""\
[Service]
Environment=PATH=/opt/opskit/bin:/usr/bin
WatchdogSec={WATCHDOG_SECONDS}
RestartSec=1
"""


@pytest.fixture(scope="module")
def installed(debian: Debian, clone: str) -> Debian:
    """opskit in /opt/opskit, its unit where Debian's administrators put units, two sample databases."""
    debian.run(["./scripts/setup", "demo"], cwd=clone)
    debian.run(["python3", "-m", "venv", "/opt/opskit"])
    pip = ["/opt/opskit/bin/pip", "--quiet", "install"]
    debian.run([*pip, "--require-hashes", "--requirement", "requirements/demo.txt"], cwd=clone)
    debian.run([*pip, "--no-deps", "--no-build-isolation", "."], cwd=clone)
    debian.run(["cp", f"/opt/opskit/lib/systemd/system/{UNIT}", "/etc/systemd/system"])
    debian.write(f"/etc/systemd/system/{UNIT}.d/local.conf", DROP_IN)
    application = debian.root / "srv/app"
    application.mkdir()
    generate(application, 5000)
    return debian


@pytest.fixture
def port() -> int:
    """A free port of the host, whose network the container shares."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_systemd_finds_nothing_to_say_about_the_unit(installed: Debian) -> None:
    assert installed.run(["systemd-analyze", "verify", f"/etc/systemd/system/{UNIT}"]).stderr == ""


def test_the_service_reports_both_databases_is_watched_and_stops_clean(installed: Debian, port: int) -> None:
    installed.write("/etc/opskit/opskit.yaml", CONFIGURATION.format(port=port))
    installed.run(["systemctl", "daemon-reload"])
    installed.run(["systemctl", "start", UNIT])
    assert show(installed, "ActiveState", "Type") == ["active", "notify"]
    assert databases_up(port) == {"main", "walmart"}

    time.sleep(2 * WATCHDOG_SECONDS)
    assert show(installed, "ActiveState", "NRestarts") == ["active", "0"]

    installed.run(["systemctl", "kill", "--signal=STOP", "--kill-whom=main", UNIT])
    wait_until(lambda: show(installed, "NRestarts", "ActiveState") == ["1", "active"])
    assert databases_up(port) == {"main", "walmart"}

    installed.run(["systemctl", "stop", UNIT])
    assert show(installed, "ActiveState", "Result") == ["inactive", "success"]
    assert installed.run(["pgrep", "-f", "opskit exporter"], check=False).code == 1


def show(debian: Debian, *properties: str) -> list[str]:
    """The values of the unit's properties, in the order asked for."""
    wanted = ",".join(properties)
    shown = debian.run(["systemctl", "show", f"--property={wanted}", UNIT]).stdout.splitlines()
    values = dict(line.split("=", 1) for line in shown)
    return [values[name] for name in properties]


def databases_up(port: int) -> set[str]:
    """The names of the databases that the exporter reports as up."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    up = [line for line in lines if line.startswith("opskit_database_up{") and line.endswith(" 1.0")]
    return {name for name in ("main", "walmart") if any(f'"{name}"' in line for line in up)}


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)
