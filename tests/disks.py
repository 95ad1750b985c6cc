"""Small disks of their own, which can be filled."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

_MOST, _LEAST = 2**28, 2**10
FILLER = "filler"
"""The file that takes a disk's room."""


class Disk:
    """A mounted file system; `root` is its directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._filler = root / FILLER

    def fill(self, leave: int = 0) -> None:
        """Takes all room but so many bytes; others may be taking some meanwhile."""
        descriptor = os.open(self._filler, os.O_WRONLY | os.O_CREAT, 0o600)
        size, filled = _MOST, 0
        while size >= _LEAST:
            try:
                os.posix_fallocate(descriptor, filled, size)
                filled += size
            except OSError:
                size //= 2
        os.ftruncate(descriptor, max(0, os.fstat(descriptor).st_size - leave))
        os.fsync(descriptor)  # what a journalling file system gives back can be had once that is on disk
        os.close(descriptor)

    def free(self) -> None:
        """Makes room again."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(root: Path, megabytes: int, *, in_memory: bool = False, mode: int = 0o700) -> Generator[Disk]:
    """A disk of its own at a directory, whose owner and files it takes over.

    It is an ext4 in a file, mounted by a loop device, as a disk is; containers which have none of these get
    one in memory.
    """
    if os.getuid() != 0 and os.environ.get("CI") != "true":
        pytest.skip("only root can mount")
    root.mkdir(parents=True, exist_ok=True)
    owner = root.stat()
    kept = {file.name: file.read_bytes() for file in root.iterdir() if file.is_file()}
    image = root.with_name(f"{root.name}.ext4")
    _mount(root, megabytes, None if in_memory or not _has_loop_devices() else image)
    try:
        os.chown(root, owner.st_uid, owner.st_gid)
        root.chmod(mode)
        for name, content in kept.items():
            (root / name).write_bytes(content)
        yield Disk(root)
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)
        image.unlink(missing_ok=True)


def _has_loop_devices() -> bool:
    found = Path("/dev/loop-control").exists() and shutil.which("mkfs.ext4") is not None
    assert found or os.environ.get("CI") != "true", "CI needs loop devices and e2fsprogs"
    return found


def _mount(root: Path, megabytes: int, image: Path | None) -> None:
    if image is None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", root], check=True)
        return
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, root], check=True)
    (root / "lost+found").rmdir()
