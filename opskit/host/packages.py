"""The door to Debian's packages: which are installed, and installing without questions."""

import os
import time
from collections.abc import Iterable, Sequence

from opskit.errors import Busy
from opskit.host.commands import CommandFailed, run

PATIENCE_SECONDS = 600.0
"""How long others may hold apt's or dpkg's locks: a fresh host is often busy with its own updates."""

RETRY_SECONDS = 1.0
APT_SECONDS = 1800.0

_OPTIONS = ("--quiet", "--yes", "--no-install-recommends", "--option=Dpkg::Options::=--force-confold")
_LOCKED = (
    "Could not get lock",
    "Unable to acquire the dpkg",
    "locked by another process",
    "Unable to lock directory",
)


def not_installed(packages: Iterable[str]) -> tuple[str, ...]:
    """Those that are not there, or whose installation was interrupted.

    Raises:
        CommandFailed: this host has no dpkg.
    """
    listed = run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n"])
    lines = set(listed.splitlines())
    return tuple(name for name in packages if f"{name} installed" not in lines)


def install(packages: Sequence[str], *, patience: float = PATIENCE_SECONDS) -> None:
    """Install packages; what an interrupted dpkg has left half done is ended first.

    Args:
        patience: seconds in all that others may hold the locks.

    Raises:
        Busy: others hold the locks for longer.
        CommandFailed: dpkg or apt failed.
    """
    deadline = time.monotonic() + patience
    _patiently(["dpkg", "--configure", "-a"], deadline)
    _patiently(["apt-get", "--quiet", "update"], deadline)
    _patiently(["apt-get", *_OPTIONS, "install", *packages], deadline)


def _patiently(command: Sequence[str], deadline: float) -> None:
    environment = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "NEEDRESTART_SUSPEND": "1",
        "LC_ALL": "C.UTF-8",
    }
    while True:
        try:
            run(command, env=environment, timeout=APT_SECONDS)
        except CommandFailed as error:
            if not any(words in str(error) for words in _LOCKED):
                raise
            if time.monotonic() > deadline:
                raise Busy.of(
                    "packages_busy",
                    f"another program holds the lock that {command[0]} needs: {error}",
                    hint="wait for it to end, then run again",
                    where=command[0],
                ) from error
            time.sleep(RETRY_SECONDS)
        else:
            return
