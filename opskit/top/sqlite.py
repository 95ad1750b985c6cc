"""A SQLite database from outside: who holds its lock, who has it open, and how long its log is.

SQLite does not open it, and no lock is taken.
"""

from collections.abc import Iterator
from pathlib import Path

from opskit.config import Engine
from opskit.exporter import sqlite_files
from opskit.host.processes import Process, holders, lock_holder, sees_all
from opskit.top.model import Holder, SqliteFile, View

NO_STATISTICS = "SQLite keeps no statistics of its statements"
NOT_ROOT = "only root sees which processes of others have the file open"


def look(name: str, file: Path) -> View:
    """The database called `name` in `file`, as it is now."""
    notes = (NO_STATISTICS, *(() if sees_all() else (NOT_ROOT,)))
    try:
        return View(name, Engine.SQLITE, notes=notes, sqlite=_seen(file))
    except OSError as error:
        return View(name, Engine.SQLITE, failure=f"{file}: {(error.strerror or 'cannot be read').lower()}")


def _seen(file: Path) -> SqliteFile:
    log, index = (file.with_name(f"{file.name}-{suffix}") for suffix in ("wal", "shm"))
    header = sqlite_files.parse_header(_head(file, sqlite_files.HEADER_BYTES))
    wal = header is not None and header.wal
    area = sqlite_files.WAL_WRITE_LOCK if wal else sqlite_files.FILE_WRITE_LOCKS
    writer = _writer(index if wal else file, area)
    frames = sqlite_files.parse_wal_index(_head(index, sqlite_files.WAL_INDEX_BYTES)) if wal else None
    page_size = header.page_size if header else 0
    return SqliteFile(
        bytes=file.stat().st_size,
        wal_bytes=_size(log),
        pending_bytes=(frames.frames - frames.backfilled) * page_size if frames else None,
        locked=writer is not None,
        holders=tuple(_holders((file, log, index), writer)),
    )


def _holders(files: tuple[Path, ...], writer: int | None) -> Iterator[Holder]:
    for one in holders(files):
        yield Holder(one.pid, _program(one), writes=one.pid == writer)


def _program(process: Process) -> str:
    return process.unit or Path(process.command.partition(" ")[0]).name


def _writer(file: Path, area: tuple[int, int]) -> int | None:
    try:
        with file.open("rb", buffering=0) as opened:
            return lock_holder(opened.fileno(), *area)
    except FileNotFoundError:
        return None


def _head(file: Path, length: int) -> bytes:
    try:
        with file.open("rb", buffering=0) as opened:
            return opened.read(length)
    except FileNotFoundError:
        return b""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
