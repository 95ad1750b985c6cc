"""The application's systemd unit: what it gives its process beside the `.env`."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from opskit.config.env_text import decode, systemd, values
from opskit.doctor.facts import Unit
from opskit.host.systemd import manages_host, show

_PROPERTIES = ("LoadState", "Environment", "EnvironmentFiles", "FragmentPath", "DropInPaths", "User")


def look(name: str, env_file: Path | None) -> Unit | None:
    """The unit; None where there is no systemd to ask.

    Args:
        env_file: the application's own, which counts as its `.env` also where the unit reads it.

    Raises:
        CommandFailed: systemd does not answer.
    """
    return unit(name, show(name, *_PROPERTIES), env_file) if manages_host() else None


def unit(name: str, shown: Mapping[str, str], env_file: Path | None) -> Unit:
    """The unit by its properties. The files that it reads come after its own assignments, and win."""
    words = (word.partition("=") for word in shlex.split(shown.get("Environment", "")))
    given = {key: value for key, sign, value in words if sign}
    for file in _environment_files(shown.get("EnvironmentFiles", "")):
        read = _read(file)
        if env_file is not None and _same(file, env_file):
            given = {key: value for key, value in given.items() if key not in read}
        else:
            given |= read
    paths = [shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split()]
    files = tuple(Path(path) for path in paths if path)
    return Unit(name, shown.get("LoadState") == "loaded", given, files, shown.get("User", ""))


def _environment_files(shown: str) -> list[Path]:
    r"""The files, of which each stands in a line with how systemd takes a missing one.

    >>> _environment_files("/srv/.env (ignore_errors=no)\n/etc/more (ignore_errors=yes)")
    [PosixPath('/srv/.env'), PosixPath('/etc/more')]
    """
    return [Path(line.rpartition(" (")[0]) for line in shown.splitlines()]


def _read(file: Path) -> Mapping[str, str]:
    try:
        return values(decode(file.read_bytes()), systemd)
    except OSError:  # systemd passes over one that it cannot read when told so with `-`, or does not start
        return {}


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other
