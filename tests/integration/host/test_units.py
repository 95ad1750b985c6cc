"""The shipped systemd units: without a fault, and shut off from everything that they do not need."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[3] / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
TENTHS_OF_EXPOSURE = 3
"""Its scale goes to 10.0: what is left is that a unit sees the host's files and may open Unix sockets."""

OF_A_CLUSTER = 26
"""What becomes the server's account, and reaches repositories over the network."""


@pytest.fixture
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return program


def test_systemd_finds_nothing_to_say_about_the_units(analyze: str, tmp_path: Path) -> None:
    """They name /usr/bin/opskit, which need not be installed here."""
    copies = [tmp_path / unit.name for unit in UNITS]
    for unit, copy in zip(UNITS, copies, strict=True):
        text = unit.read_text(encoding="utf-8")
        copy.write_text(text.replace("/usr/bin/opskit ", "/usr/bin/true "), encoding="utf-8")
    done = subprocess.run([analyze, "verify", *copies], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_is_hardened(analyze: str, unit: Path) -> None:
    most = OF_A_CLUSTER if unit.name.startswith("opskit-pgbackrest") else TENTHS_OF_EXPOSURE
    command = [analyze, "security", "--offline=true", f"--threshold={most}", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_timer_starts_a_unit_that_is_shipped() -> None:
    names = {unit.name for unit in UNITS}
    for timer in (unit for unit in UNITS if unit.suffix == ".timer"):
        lines = timer.read_text(encoding="utf-8").splitlines()
        named = next((line.removeprefix("Unit=") for line in lines if line.startswith("Unit=")), None)
        started = named or f"{timer.stem}.service"
        template = f"{started.partition('@')[0]}@.service" if "@" in started else started
        assert template in names
