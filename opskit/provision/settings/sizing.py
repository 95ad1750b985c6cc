"""How large a server's settings are on a machine, each with its reason. Pure.

Sizes are coarse on purpose: a kernel update that takes a few megabytes is no drift.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from opskit.provision.settings.machine import Machine

KB, MB, GB = 1024, 1024**2, 1024**3

OTHER_CONNECTIONS = 25
"""Beside the application's pools: migration workers, exporter, standby, backups, people, superusers."""

LEAST_CONNECTIONS = 100
"""PostgreSQL's default, which an idle session makes cheap enough."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of the settings file."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Share:
    """What of a machine the database may have, and who connects to it.

    Attributes:
        memory: part of the memory, above 0 and at most 1.
        disk: part of the disk that WAL may take in all, likewise.
        pools: the most connections that the application's pools hold together.
    """

    memory: float
    disk: float
    pools: int


def sized(machine: Machine, share: Share) -> tuple[Setting, ...]:
    """The settings that depend on the machine."""
    return (*_memory(machine, share), *_parallel(machine), *_disk(machine, share))


def connections(pools: int) -> int:
    """How many connections a server must take for pools of so many."""
    return max(LEAST_CONNECTIONS, pools + OTHER_CONNECTIONS)


def _memory(machine: Machine, share: Share) -> Iterator[Setting]:
    whole = coarse(machine.memory)
    memory = int(whole * share.memory)
    part = f"{share.memory:.0%} of {size(whole)}"
    buffers = _within(memory // 4, 128 * MB, 16 * GB)
    yield Setting("shared_buffers", size(buffers), f"a quarter of the memory it may have ({part})")
    yield Setting(
        "effective_cache_size",
        size(_within(memory // 4 * 3, 256 * MB, 1024 * GB)),
        f"what the system's cache holds of it beside that: three quarters of {part}",
    )
    yield Setting(
        "maintenance_work_mem",
        size(_within(memory // 16, 64 * MB, 2 * GB)),
        f"index builds and vacuum, few at a time: a sixteenth of {part}",
    )
    number = connections(share.pools)
    yield Setting(
        "work_mem",
        size(_within((memory - buffers) // (2 * number), 4 * MB, 64 * MB)),
        f"a sort or hash of each of {number} sessions fits into half of what shared_buffers leaves",
    )
    yield Setting(
        "max_connections",
        str(number),
        f"pools of {share.pools}, and {OTHER_CONNECTIONS} for opskit, monitoring and people; not below"
        f" PostgreSQL's {LEAST_CONNECTIONS}",
    )


def _parallel(machine: Machine) -> Iterator[Setting]:
    cores = machine.cores
    half, some = f"takes more than half of {cores} cores", _within(cores // 2, 1, 4)
    yield Setting(
        "max_worker_processes", str(cores + 8), f"{cores} cores for parallel work, 8 for extensions"
    )
    yield Setting("max_parallel_workers", str(cores), f"{cores} cores")
    yield Setting(
        "max_parallel_workers_per_gather", str(some), f"no query takes more than half of {cores} cores"
    )
    yield Setting("max_parallel_maintenance_workers", str(some), f"no index build {half}")


def _disk(machine: Machine, share: Share) -> Iterator[Setting]:
    whole = coarse(machine.disk)
    room = int(whole * share.disk)
    part = f"{share.disk:.0%} of a disk of {size(whole)}"
    wal = _even(_within(room // 4, 256 * MB, 8 * GB))
    yield Setting("max_wal_size", size(wal), f"rare checkpoints under load: a quarter of {part}")
    yield Setting("min_wal_size", size(_within(wal // 4, 64 * MB, GB)), "files are used again, not made anew")
    yield Setting(
        "max_slot_wal_keep_size",
        size(_even(max(room - wal, 256 * MB))),
        f"what a slot of the way back may hold, before it is lost instead of the disk: the rest of {part}",
    )
    if machine.rotating:
        yield Setting("random_page_cost", "4", "a disk that turns")
        yield Setting("effective_io_concurrency", "2", "a disk that turns")
    else:
        yield Setting("random_page_cost", "1.1", "a disk that does not turn")
        yield Setting("effective_io_concurrency", "200", "a disk that does not turn")


def coarse(amount: int) -> int:
    """The nearest of eight steps between powers of two.

    >>> [size(coarse(one)) for one in (2085928960, 16698445824, 1000 * GB)]
    ['2GB', '16GB', '1024GB']
    """
    step = _step(amount)
    return (amount + step // 2) // step * step


def size(amount: int) -> str:
    """As PostgreSQL spells it, in whole megabytes or gigabytes.

    >>> size(1536 * MB), size(2 * GB)
    ('1536MB', '2GB')
    """
    return f"{amount // GB}GB" if amount % GB == 0 and amount else f"{amount // MB}MB"


def _even(amount: int) -> int:
    """The next lower of those steps."""
    return amount // _step(amount) * _step(amount)


def _step(amount: int) -> int:
    return max((1 << (amount.bit_length() - 1)) // 8, MB)


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
