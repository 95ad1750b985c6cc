"""Packages are installed without questions, after whoever else is at it; apt's programs are stand-ins."""

from pathlib import Path

import pytest

from opskit.errors import Busy
from opskit.host.commands import CommandFailed
from opskit.host.packages import install, not_installed

LISTED = "postgresql-15 installed\nzstd half-configured\nlogrotate config-files\nodd \n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of programs that come before the system's, and log how they were called."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name in ("dpkg", "apt-get"):
        program(tmp_path, name, "")
    return tmp_path


def program(directory: Path, name: str, script: str) -> None:
    file = directory / name
    file.write_text(f'#!/bin/sh\necho "{name} $*" >>{directory}/calls\n{script}\n')
    file.chmod(0o755)


def calls(directory: Path) -> list[str]:
    return [
        line.split(" ", 2)[0] + " " + line.split()[-1]
        for line in (directory / "calls").read_text().splitlines()
    ]


def test_a_package_that_is_half_installed_is_not_there(programs: Path) -> None:
    program(programs, "dpkg-query", f"printf '{LISTED}'")
    wanted = ("postgresql-15", "zstd", "logrotate", "unheard-of")
    assert not_installed(wanted) == ("zstd", "logrotate", "unheard-of")


def test_what_dpkg_has_left_half_done_is_ended_first(programs: Path) -> None:
    install(["zstd"])
    assert calls(programs) == ["dpkg -a", "apt-get update", "apt-get zstd"]


@pytest.mark.parametrize(
    "words",
    [
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 77 (unattended-upgr)",
        "dpkg: error: dpkg frontend lock was locked by another process with pid 77",
        "E: Unable to lock directory /var/lib/apt/lists/",
    ],
)
def test_who_holds_the_lock_is_waited_for(programs: Path, words: str) -> None:
    script = f'[ -e {programs}/tried ] || {{ touch {programs}/tried; echo "{words}" >&2; exit 100; }}'
    program(programs, "apt-get", script)
    install(["zstd"])
    assert calls(programs) == ["dpkg -a", "apt-get update", "apt-get update", "apt-get zstd"]


def test_who_holds_the_lock_for_too_long_is_named(programs: Path) -> None:
    program(programs, "apt-get", "echo 'E: Could not get lock. It is held by process 77 (apt)' >&2; exit 100")
    with pytest.raises(Busy, match="process 77"):
        install(["zstd"], patience=0)


def test_another_failure_is_told_at_once(programs: Path) -> None:
    program(programs, "apt-get", "echo 'E: Unable to locate package zstd' >&2; exit 100")
    with pytest.raises(CommandFailed, match="Unable to locate package zstd"):
        install(["zstd"])
