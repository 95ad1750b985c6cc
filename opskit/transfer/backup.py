"""A copy of a SQLite database that is kept: safe on the disk and known by its digest, or not there at all."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opskit.runs.ownership import hand_over


@dataclass(frozen=True, slots=True)
class SqliteCopy:
    """A finished copy: where it is, its size in bytes and its SHA-256."""

    file: Path
    size: int
    sha256: str


def keep(copy: Path, file: Path) -> SqliteCopy:
    """Gives a copy that nobody writes any more a second name that stays, in the same file system.

    Under its first name it may be read meanwhile.

    Raises:
        OSError: the disk failed, or the directory cannot be written.
    """
    with copy.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        os.fsync(content.fileno())
    os.link(copy, file)
    hand_over(file, file.parent)
    return SqliteCopy(file, file.stat().st_size, digest)


def discard(file: Path) -> None:
    """Removes a copy; nothing when there is none.

    Raises:
        OSError: the directory cannot be written.
    """
    with suppress(NotADirectoryError):  # what stands in the directory's place holds no copy either
        file.unlink(missing_ok=True)
