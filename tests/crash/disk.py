"""A small disk of its own, which can be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MOST, _LEAST = 2**28, 2**12


class Disk:
    """A file system in memory; its directory `root` belongs to everybody."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._filler = root / "filler"

    def fill(self) -> None:
        """Leaves no room; others may be taking some meanwhile."""
        descriptor = os.open(self._filler, os.O_WRONLY | os.O_CREAT, 0o600)
        size, filled = _MOST, 0
        while size >= _LEAST:
            try:
                os.posix_fallocate(descriptor, filled, size)
                filled += size
            except OSError:
                size //= 2
        os.close(descriptor)

    def free(self) -> None:
        """Makes room again."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def disk(root: Path, megabytes: int) -> Iterator[Disk]:
    """Mounted for the block. Needs root."""
    root.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "opskit-crash", root], check=True)
    try:
        yield Disk(root)
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)
