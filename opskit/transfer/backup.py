"""A copy of a SQLite database made through the online backup API, complete or not there at all."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from opskit.schema.sqlite_file import rows

_PAGES = 4096
"""Pages copied between two looks at signals."""


@dataclass(frozen=True, slots=True)
class SqliteCopy:
    """A finished copy: where it is, its size in bytes and its SHA-256."""

    file: Path
    size: int
    sha256: str


def back_up(source: apsw.Connection, file: Path) -> SqliteCopy:
    """Copies what the connection sees to a new file: written aside, fsynced, then renamed into place.

    Inside a read transaction the copy is exactly that snapshot, however long it takes.

    Raises:
        apsw.Error: the source cannot be read, or the copy cannot be written (disk full).
        OSError: the directory cannot be written.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = _aside(file)
    _remove_aside(file)
    os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _copy(source, aside)
        copy = SqliteCopy(file, aside.stat().st_size, _digest_and_sync(aside))
        aside.rename(file)
    finally:
        _remove_aside(file)
    return copy


def discard(file: Path) -> None:
    """Removes a copy, finished or not; nothing when there is none.

    Raises:
        OSError: the directory cannot be written.
    """
    with suppress(NotADirectoryError):  # what stands in the directory's place holds no copy either
        file.unlink(missing_ok=True)
        _remove_aside(file)


def _aside(file: Path) -> Path:
    return file.with_name(f".{file.name}.partial")


def _remove_aside(file: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):  # SQLite's own companions, should they be left
        aside = _aside(file)
        aside.with_name(aside.name + suffix).unlink(missing_ok=True)


def _copy(source: apsw.Connection, file: Path) -> None:
    target = apsw.Connection(str(file))
    try:
        with target.backup("main", source, "main") as backup:
            while not backup.done:  # in steps, so that an interrupt is heard
                backup.step(_PAGES)
        rows(target, "PRAGMA journal_mode = DELETE")  # one file, also when the source was in WAL mode
    finally:
        target.close()


def _digest_and_sync(file: Path) -> str:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        os.fsync(content.fileno())
    return digest
