"""What a host has to give, read from /proc and /sys as a machine and as a container show them."""

import os
from pathlib import Path

from opskit.host.machine import cores, disk, memory

GIB = 1024**3


def host(root: Path) -> Path:
    """The root directory of a host with 8 GiB of memory."""
    (root / "proc").mkdir()
    (root / "proc/meminfo").write_text("MemTotal:        8388608 kB\nMemFree: 1 kB\n")
    return root


def test_without_limits_all_of_the_memory_counts(tmp_path: Path) -> None:
    assert memory(host(tmp_path)) == 8 * GIB


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    root = host(tmp_path)
    limit(root, "memory.max", str(2 * GIB))
    assert memory(root) == 2 * GIB


def test_the_tightest_limit_counts_and_no_limit_is_none(tmp_path: Path) -> None:
    root = host(tmp_path)
    limit(root, "memory.max", "max")
    limit(root, "system.slice/memory.max", str(4 * GIB))
    limit(root, "system.slice/system-postgresql.slice/memory.max", str(3 * GIB))
    assert memory(root) == 3 * GIB


def test_the_old_control_groups_say_no_limit_by_a_huge_one(tmp_path: Path) -> None:
    root = host(tmp_path)
    limit(root, "memory/memory.limit_in_bytes", "9223372036854771712")
    assert memory(root) == 8 * GIB


def test_a_quota_of_processor_time_counts_as_whole_cores(tmp_path: Path) -> None:
    root = host(tmp_path)
    limit(root, "cpu.max", "max 100000")
    everything = cores(root)
    assert everything >= 1
    limit(root, "cpu.max", "50000 100000")
    assert cores(root) == 1


def test_the_disk_of_a_directory_that_is_yet_to_be_made_is_that_of_its_parent(tmp_path: Path) -> None:
    there, later = disk(tmp_path), disk(tmp_path / "a/b")
    assert there.size == later.size
    assert 0 < there.free <= there.size


def test_a_partition_turns_when_its_disk_does(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    (tmp_path / "sda/queue").mkdir(parents=True)
    (tmp_path / "sda/queue/rotational").write_text("1\n")
    (tmp_path / "sda/sda1").mkdir()
    (tmp_path / "sys/dev/block").mkdir(parents=True)
    (tmp_path / "sys/dev/block" / number).symlink_to(tmp_path / "sda/sda1")
    assert disk(tmp_path, tmp_path).rotating
    assert not disk(tmp_path, tmp_path / "nothing").rotating


def test_a_virtual_disk_that_claims_to_turn_is_not_believed(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    (tmp_path / "vda/vda1").mkdir(parents=True)
    (tmp_path / "vda/queue").mkdir()
    (tmp_path / "vda/queue/rotational").write_text("1\n")
    (tmp_path / "sys/dev/block").mkdir(parents=True)
    link = tmp_path / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    link.symlink_to(tmp_path / "vda/vda1")
    assert not disk(tmp_path, tmp_path).rotating


def limit(root: Path, name: str, value: str) -> None:
    file = root / "sys/fs/cgroup" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{value}\n")
