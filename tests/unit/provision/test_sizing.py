"""How large settings are on a machine."""

import pytest

from opskit.provision.settings.machine import Machine
from opskit.provision.settings.sizing import GB, MB, Setting, Share, sized

HALF = Share(memory=0.5, disk=0.3, pools=35)


def values(machine: Machine, share: Share = HALF) -> dict[str, str]:
    return {one.name: one.value for one in sized(machine, share)}


@pytest.mark.parametrize(
    ("memory", "shared_buffers", "work_mem", "maintenance_work_mem"),
    [
        (1 * GB, "128MB", "4MB", "64MB"),
        (2 * GB, "256MB", "4MB", "64MB"),
        (4 * GB, "512MB", "7MB", "128MB"),
        (16 * GB, "2GB", "30MB", "512MB"),
        (64 * GB, "8GB", "64MB", "2GB"),
        (512 * GB, "16GB", "64MB", "2GB"),
    ],
)
def test_memory_settings_follow_the_memory_within_bounds(
    memory: int, shared_buffers: str, work_mem: str, maintenance_work_mem: str
) -> None:
    found = values(Machine(memory, 4, 100 * GB, 50 * GB))
    assert found["shared_buffers"] == shared_buffers
    assert found["work_mem"] == work_mem
    assert found["maintenance_work_mem"] == maintenance_work_mem


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("memory", [GB, 3 * GB, 8 * GB, 40 * GB])
def test_all_sessions_at_work_stay_within_the_memory_that_the_database_may_have(
    memory: int, share: float
) -> None:
    found = values(Machine(memory, 4, 100 * GB, 50 * GB), Share(share, 0.3, 35))
    buffers, work = bytes_of(found["shared_buffers"]), bytes_of(found["work_mem"])
    least = 128 * MB + 100 * 4 * MB
    assert buffers + int(found["max_connections"]) * work <= max(memory * share, least)


def test_a_few_megabytes_more_or_less_are_no_drift() -> None:
    after_an_update = values(Machine(16 * GB - 370 * MB, 4, 250 * GB, GB))
    assert values(Machine(16 * GB - 400 * MB, 4, 251 * GB, 2 * GB)) == after_an_update


@pytest.mark.parametrize(
    ("disk", "max_wal_size", "max_slot_wal_keep_size"),
    [(10 * GB, "768MB", "2304MB"), (100 * GB, "7680MB", "22GB"), (4096 * GB, "8GB", "1152GB")],
)
def test_wal_and_what_slots_hold_back_stay_within_their_share_of_the_disk(
    disk: int, max_wal_size: str, max_slot_wal_keep_size: str
) -> None:
    found = values(Machine(8 * GB, 4, disk, disk // 2))
    assert (found["max_wal_size"], found["max_slot_wal_keep_size"]) == (max_wal_size, max_slot_wal_keep_size)
    assert bytes_of(max_wal_size) + bytes_of(max_slot_wal_keep_size) <= disk * 0.34


def test_large_pools_raise_the_connections() -> None:
    assert values(Machine(8 * GB, 4, GB, GB), Share(0.5, 0.3, 300))["max_connections"] == "325"


def test_every_setting_has_a_reason() -> None:
    settings: tuple[Setting, ...] = sized(Machine(8 * GB, 4, 100 * GB, GB), HALF)
    assert all(one.reason for one in settings)


def bytes_of(text: str) -> int:
    number, unit = text[:-2], text[-2:]
    return int(number) * {"MB": MB, "GB": GB}[unit]
