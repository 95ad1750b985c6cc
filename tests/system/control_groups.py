"""Control groups of a container's own.

nspawn puts every container into `payload` beside itself. Two that share that share the groups of services:
each systemd would kill the other's processes, or wait for them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

ENTER = 'for group in $GROUPS_TO_ENTER; do echo $$ > "$group/cgroup.procs"; done; exec "$@"'
"""A shell's words for: go there, and become the command."""


def make_groups(name: str) -> list[Path]:
    """New groups below our own, in the hierarchies that systemd uses; none where they cannot be made."""
    groups: list[Path] = []
    for parent in _own_groups():
        with suppress(OSError):
            (parent / name).mkdir()
            groups.append(parent / name)
    return groups


def entering(groups: Sequence[Path], command: Sequence[str | Path]) -> list[str | Path]:
    """The command, in these groups."""
    places = " ".join(map(str, groups))
    return ["env", f"GROUPS_TO_ENTER={places}", "sh", "-c", ENTER, "sh", *command]


def remove_groups(groups: Sequence[Path]) -> None:
    """Removes groups and all below, as far as nobody is left in them."""
    for group in groups:
        for directory, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(directory).rmdir()


def _own_groups() -> Iterator[Path]:
    """Where this process is, in the unified hierarchy and in systemd's of old (cgroups(7))."""
    mounted = dict(_mounted())
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, hierarchy, path = line.split(":", 2)
        if hierarchy in ("", "name=systemd") and hierarchy in mounted:
            yield mounted[hierarchy] / path.lstrip("/")


def _mounted() -> Iterator[tuple[str, Path]]:
    """Hierarchies by the names that /proc/PID/cgroup gives them; the unified one has none."""
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2":
            yield "", Path(place)
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            yield "name=systemd", Path(place)
