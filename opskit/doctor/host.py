"""Looking at this host: its clusters, its disks, its clock."""

import os
from collections.abc import Iterable
from pathlib import Path

from opskit.doctor.facts import Host, Volume
from opskit.host.commands import CommandFailed, run
from opskit.host.postgresql_programs import DEBIAN
from opskit.provision.here import clusters_here

SECONDS = 10.0
"""What a program of the host may take to answer."""


def look(directories: Iterable[Path]) -> Host:
    """This host.

    Args:
        directories: whose disks matter, beside those of the clusters.

    Raises:
        CommandFailed: postgresql-common does not answer.
    """
    clusters = tuple(one for one in clusters_here() if (DEBIAN / str(one.version) / "bin/postgres").exists())
    data = [cluster.data for cluster in clusters]
    return Host(clusters, _volumes([*data, *directories]), _clock_synchronised())


def _volumes(directories: Iterable[Path]) -> tuple[Volume, ...]:
    """The file systems of the directories, each once; of one that is yet to be made, that of its parent."""
    by_device: dict[int, list[Path]] = {}
    for directory in dict.fromkeys(directories):
        by_device.setdefault(_there(directory).stat().st_dev, []).append(directory)
    return tuple(_volume(held) for held in by_device.values())


def _there(directory: Path) -> Path:
    """The nearest to it that is there and may be looked at."""
    return next(one for one in (directory, *directory.parents) if os.access(one, os.F_OK))


def _volume(held: list[Path]) -> Volume:
    seen = os.statvfs(_there(held[0]))
    total, free = seen.f_blocks * seen.f_frsize, seen.f_bavail * seen.f_frsize
    return Volume(tuple(held), total, free, seen.f_files, seen.f_favail)


def _clock_synchronised() -> bool | None:
    """What the kernel says; a container has its host's clock, and no say in it."""
    try:
        if run(["systemd-detect-virt", "--container"], timeout=SECONDS).strip() != "none":
            return None
    except CommandFailed as error:
        if error.faults[0].code != "command_failed":  # with this the program says “none”
            return None
    try:
        shown = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], timeout=SECONDS)
    except CommandFailed:
        return None
    return shown.strip() == "yes"
