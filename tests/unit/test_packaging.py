"""What is packaged says of itself what the program says."""

import re
import tomllib
from pathlib import Path

from opskit import __version__

ROOT = Path(__file__).parents[2]


def locked(name: str) -> set[str]:
    """The packages that a lock installs here."""
    lines = (ROOT / f"requirements/{name}.txt").read_text().splitlines()
    return {line.partition("==")[0] for line in lines if re.match(r"[a-z]", line) and "win32" not in line}


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    package = re.match(r"opskit \((.+?)\)", (ROOT / "debian/changelog").read_text())
    assert package is not None
    assert {project, package[1]} == {__version__}


def test_the_package_names_the_licence_of_every_library_that_it_carries() -> None:
    named = set(re.findall(r"^ ([a-z-]+): ", (ROOT / "debian/copyright").read_text(), re.MULTILINE))
    assert named == locked("install")


def test_what_builds_the_package_is_not_installed() -> None:
    assert "hatchling" in locked("build")
    assert "hatchling" not in locked("install")
