"""What this host has to give to a service: memory, cores, disk, and the limits of a container around it."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
VIRTUAL = ("vd", "xvd")
"""Disks of virtual machines: they claim to turn whatever lies beneath."""

CONTROL_GROUPS = ("", "system.slice", "system.slice/system-postgresql.slice")
"""Below /sys/fs/cgroup: the container's own group, and those that Debian's PostgreSQL runs in."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system: its bytes, those that are free, and whether its disk turns (no, when nobody knows)."""

    size: int
    free: int
    rotating: bool


def memory(root: Path = ROOT) -> int:
    """Bytes that PostgreSQL may have at most: the host's, or less where a control group says so."""
    found = re.search(r"^MemTotal:\s*(\d+) kB", (root / "proc/meminfo").read_text(), re.MULTILINE)
    total = int(found[1]) * 1024 if found else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [*_limits(root, "memory.max"), *_limits(root, "memory/memory.limit_in_bytes")]
    return min([total, *(int(limit) for limit in limits if limit.isdecimal())])


def cores(root: Path = ROOT) -> int:
    """Cores that PostgreSQL may use at once; a share of one counts as one."""
    quotas = (limit.split() for limit in _limits(root, "cpu.max"))
    shares = [int(quota) // int(period) for quota, period in quotas if quota != "max"]
    return max(1, min([len(os.sched_getaffinity(0)), *shares]))


def disk(directory: Path, root: Path = ROOT) -> Disk:
    """The file system that holds a directory, or will hold it once it is made."""
    there = next(one for one in (directory, *directory.parents) if one.exists())
    about = os.statvfs(there)
    return Disk(about.f_frsize * about.f_blocks, about.f_frsize * about.f_bavail, _rotating(there, root))


def _limits(root: Path, name: str) -> Iterator[str]:
    for group in CONTROL_GROUPS:
        file = root / "sys/fs/cgroup" / group / name
        if file.exists():
            yield file.read_text().strip()


def _rotating(directory: Path, root: Path) -> bool:
    device = directory.stat().st_dev
    about = (root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    if about.name.startswith(VIRTUAL):
        return False
    for holder in (about, about.parent):  # a partition's disk stands above it
        if (holder / "queue/rotational").exists():
            return (holder / "queue/rotational").read_text().strip() == "1"
    return False
