"""One moment of a SQLite database that an application may be using, copied without leaving a trace.

Everything reads the copy: the application's file is read once, from front to back, and let go. In the
source's directory nothing is made, written or removed, so a read-only directory or mount will do. Why that is
sound, by SQLite's own protocol (https://www.sqlite.org/lockingv3.html, https://www.sqlite.org/walformat.html):

- A SHARED lock on the file is held all the while. Under it nobody can write a database in rollback-journal
  mode, nor play back its hot journal, nor enter or leave WAL mode, nor take away its -wal or -shm: each of
  these needs EXCLUSIVE.
- Who writes in WAL mode has both a -wal and a -shm before the first byte. While they are not both there, the
  file and what lies beside it stand still; when they still are not both there after the copy, they stood
  still during it. Such a file is copied as it is, with its -wal and -journal, and SQLite recovers the copy
  from them as it would have recovered the original.
- When both are there, somebody may be writing, with checkpoints into the file. Then SQLite itself reads, in
  one snapshot that checkpoints respect. With readonly_shm it writes no read mark, and what a crash has left
  it indexes in its own memory.

An application that ends meanwhile cannot get EXCLUSIVE either: it leaves its -wal and -shm. They hold its
commits and are its own to fold in when it next opens the file, so they stay.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote as percent

import apsw

from opskit.errors import Refused
from opskit.host.scratch import scratch_directory
from opskit.schema.sqlite_file import BUSY_TIMEOUT, existing, refusal, rows, scalar

T = TypeVar("T")

_CHUNK = 1 << 16
"""Bytes copied between two looks at signals; larger blocks are mapped anew each time and take longer."""

_PAGES = 4096
"""Pages copied between two looks at signals."""

_PAUSE = 0.005
"""Seconds between two attempts at a lock: writers in rollback-journal mode leave only short gaps."""

_MAGIC = b"SQLite format 3\0"


@contextmanager
def room_for_copies(parent: Path) -> Generator[Path]:
    """A directory for copies that goes with the process, made in `parent` because copies can be large.

    Raises:
        Refused: it cannot be made.
    """
    with ExitStack() as stack:
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            room = stack.enter_context(scratch_directory(parent))
        except OSError as error:
            raise Refused.of(
                "no_copy",
                f"the source cannot be copied to {parent}: {error.strerror}",
                hint="set backup.directory or state_dir to a directory that can be written",
                where=str(parent),
            ) from error
        yield room


def copy_source(source: Path, file: Path, *, lasting: bool = True) -> None:
    """Writes what the database holds at one moment to a new file of its own, in rollback-journal mode.

    Writers of a database in WAL mode are never held up, those of one in rollback-journal mode until the file
    has been copied. An application with another VFS, or on a file system without POSIX locks, is not seen.

    Args:
        file: in a directory of ours; what it leaves there after a failure is removed with the directory.
        lasting: the disk has the copy when this returns; one that goes with the process need not wait.

    Raises:
        Refused: the source is missing, locked, damaged, encrypted or no database, or the copy finds no room.
    """
    path = existing(source)
    try:
        with _finding_room(source, file), _shared(path) as held:
            _check_kind(held)
            _check_room(held.xFileSize() + sum(map(_size, _beside(path))), file)
            if not _attached(path):
                _copy_still(held, path, file)
            if _attached(path):  # all the while, or since the copy began, which is then worth nothing
                _copy_live(path, file, lasting=lasting)
        with _finding_room(source, file):
            _settle(file, lasting=lasting)
    except apsw.Error as error:
        raise refusal(source, error) from error


def copy_open(source: Path, connection: apsw.Connection, file: Path) -> None:
    """Writes what an open connection sees in its read transaction to a new file, as `copy_source` does.

    Raises:
        Refused: the copy finds no room.
        apsw.Error: the source cannot be read.
    """
    with _finding_room(source, file):
        _check_room(source.stat().st_size, file)
        _copy_pages(connection, file, lasting=True)
        _settle(file, lasting=True)


@contextmanager
def _finding_room(source: Path, file: Path) -> Generator[None]:
    try:
        yield
    except (OSError, apsw.FullError) as error:
        raise Refused.of(
            "no_copy",
            f"the SQLite file {source} cannot be copied to {file.parent}: {error}",
            hint="make room there (backup.directory, state_dir); what is beside the source must be readable",
            where=str(source),
        ) from error


@contextmanager
def _shared(path: Path) -> Generator[apsw.VFSFile]:
    """The file under a SHARED lock, to be read through the VFS: closing another descriptor drops the lock."""
    file = apsw.VFSFile("", str(path), [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0])
    try:
        _patiently(lambda: file.xLock(apsw.SQLITE_LOCK_SHARED))
        yield file
    finally:
        file.xClose()


def _check_kind(held: apsw.VFSFile) -> None:
    """Before a large file is copied for nothing."""
    if held.xFileSize() and held.xRead(len(_MAGIC), 0) != _MAGIC:
        raise apsw.NotADBError


def _check_room(needed: int, file: Path) -> None:
    """A disk that ran full would be trouble for others too."""
    free = shutil.disk_usage(file.parent).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"it takes {needed:,} bytes, and {free:,} are free")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _attached(path: Path) -> bool:
    """Whether somebody may have the file open in WAL mode."""
    return all(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))


def _beside(path: Path) -> tuple[Path, ...]:
    """The files that complete a database; the -shm holds nothing that is not in the -wal."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("-journal", "-wal"))


def _copy_still(held: apsw.VFSFile, path: Path, file: Path) -> None:
    _create(file)
    offset, size = 0, held.xFileSize()
    with file.open("wb", buffering=0) as copy:
        while (
            offset < size
        ):  # never beyond the end: of a short read, apsw drops zeros that the file does hold
            offset += copy.write(held.xRead(min(_CHUNK, size - offset), offset))
    # the journal of a transaction under way is as good as none: it restores what the file still holds
    for one, other in zip(_beside(path), _beside(file), strict=True):
        with suppress(FileNotFoundError):  # none, or that transaction has just been given up
            shutil.copyfile(one, other)


def _create(file: Path) -> None:
    for one in (file, *_beside(file)):
        one.unlink(missing_ok=True)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _copy_live(path: Path, file: Path, *, lasting: bool) -> None:
    with closing(_patiently(lambda: _snapshot(path))) as source:
        _copy_pages(source, file, lasting=lasting)


def _copy_pages(source: apsw.Connection, file: Path, *, lasting: bool) -> None:
    _create(file)
    with _writing(file, lasting=lasting) as copy, copy.backup("main", source, "main") as backup:
        while not backup.done:
            backup.step(_PAGES)


def _snapshot(path: Path) -> apsw.Connection:
    """A connection inside one read transaction."""
    connection = apsw.Connection(
        f"file:{percent(str(path))}?mode=ro&readonly_shm=1",
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
    )
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT)
        # the last one to close a WAL database would otherwise checkpoint and delete the application's WAL
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        rows(connection, "BEGIN")
        scalar(connection, "SELECT count(*) FROM sqlite_schema")
    except apsw.Error:
        connection.close()
        raise
    return connection


@contextmanager
def _writing(file: Path, *, lasting: bool) -> Generator[apsw.Connection]:
    with closing(apsw.Connection(str(file))) as connection:
        rows(connection, f"PRAGMA synchronous = {'FULL' if lasting else 'OFF'}")
        yield connection


def _settle(file: Path, *, lasting: bool) -> None:
    """Lets SQLite recover the copy from its WAL or journal, and leaves one file."""
    with _writing(file, lasting=lasting) as connection:
        scalar(connection, "SELECT count(*) FROM sqlite_schema")
        rows(connection, "PRAGMA journal_mode = DELETE")
    for one in _beside(file):
        one.unlink(missing_ok=True)


def _patiently(attempt: Callable[[], T]) -> T:
    """Tries until nobody is in the way. An application that is just starting shows as "read-only"."""
    deadline = time.monotonic() + BUSY_TIMEOUT / 1000
    while True:
        try:
            return attempt()
        except (apsw.BusyError, apsw.ReadOnlyError):
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)
