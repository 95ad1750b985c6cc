"""Which processes have a file open or listen, as /proc tells, or have it locked, as the kernel tells."""

import fcntl
import os
import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_FLOCK = struct.Struct("@hhqqi0q")  # Linux's struct flock: type, whence, start, length, pid
_LISTEN = "0A"
_REACHED = frozenset({"0100007F", "0" * 8, "0" * 24 + "01000000", "0" * 32})
"""127.0.0.1, all addresses, ::1 and all addresses, as the kernel writes them."""
_SERVICE = re.compile(r"([^/\n]+\.service)(?:/|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Process:
    """A running process; `unit` is its systemd service, empty when it belongs to none."""

    pid: int
    command: str
    unit: str


def holders(files: Iterable[Path], proc: Path = PROC) -> tuple[Process, ...]:
    """The other processes that have one of the files open. Only root sees everybody's; see `sees_all`."""
    wanted = set(_identities(files))
    numbers = sorted(int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal())
    others = (pid for pid in numbers if pid != os.getpid())
    held = (pid for pid in others if not wanted.isdisjoint(_open_files(proc / str(pid))))
    return tuple(process(pid, proc) for pid in held)


def listeners(port: int, proc: Path = PROC) -> tuple[Process, ...] | None:
    """The processes that listen on a TCP port of the loopback or of all addresses; None when nobody does.

    Only root sees everybody's: a port may have listeners, and none that can be seen.
    """
    sockets = {inode for table in ("tcp", "tcp6") for inode in _listening(_read(proc / "net" / table), port)}
    if not sockets:
        return None
    numbers = sorted(int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal())
    found = (pid for pid in numbers if any(inode in sockets for _, inode in _open_files(proc / str(pid))))
    return tuple(process(pid, proc) for pid in found)


def _listening(table: str, port: int) -> Iterator[int]:
    """Inodes of the sockets that listen, in /proc/net/tcp or tcp6 (the kernel's proc_net_tcp document)."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, _, number = fields[1].partition(":")
        if fields[3] == _LISTEN and int(number, 16) == port and address in _REACHED:
            yield int(fields[9])


def sees_all() -> bool:
    """May this process see what everybody has open?"""
    return os.geteuid() == 0


def lock_holder(descriptor: int, start: int, length: int) -> int | None:
    """The pid of another process that holds a POSIX write lock in this area of the file; None for nobody.

    It is 0 or below for a process that this one cannot see. Asks only, takes no lock; but closing any
    descriptor of a file drops the POSIX locks that this process has on it.
    """
    kind, pid = _in_the_way(descriptor, fcntl.F_RDLCK, start, length)
    return pid if kind == fcntl.F_WRLCK else None


def is_locked(descriptor: int, start: int, length: int) -> bool:
    """Does another process hold any POSIX lock in this area of the file? Asks only, as lock_holder does."""
    kind, _ = _in_the_way(descriptor, fcntl.F_WRLCK, start, length)
    return kind != fcntl.F_UNLCK


def _in_the_way(descriptor: int, wanted: int, start: int, length: int) -> tuple[int, int]:
    """The kind of lock of another process that such a lock would have to wait for, and that process."""
    asked = _FLOCK.pack(wanted, os.SEEK_SET, start, length, 0)
    kind, *_, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return kind, pid


def process(pid: int, proc: Path = PROC) -> Process:
    """A process by its number; one that has just ended has an empty command."""
    here = proc / str(pid)
    command = _read(here / "cmdline").replace("\0", " ").strip() or _read(here / "comm").strip()
    services = _SERVICE.findall(_read(here / "cgroup"))
    return Process(pid, command, services[-1] if services else "")


def _identities(files: Iterable[Path]) -> Iterator[tuple[int, int]]:
    for file in files:
        with suppress(OSError):
            status = file.stat()
            yield status.st_dev, status.st_ino


def _open_files(process: Path) -> Iterator[tuple[int, int]]:
    with suppress(OSError):  # it has ended, or it is another user's
        yield from _identities((process / "fd").iterdir())


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
