"""Reading a SQLite database without leaving a trace: no file is made, no byte written, no lock kept.

The files are looked at first and their descriptors closed before SQLite opens the file: closing a descriptor
drops the process's POSIX locks on that file, SQLite's included.
"""

import os
import stat
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from opskit.config import Engine
from opskit.exporter import sqlite_files
from opskit.exporter.custom import CustomQuery, understood
from opskit.exporter.lasting import Lasting
from opskit.exporter.queries import query
from opskit.exporter.reading import Outcome, ReadFailed, Reading, Row, collect, probe
from opskit.exporter.sqlite_files import Header, WalIndex
from opskit.exporter.sqlite_queries import QUERIES, ask, translated
from opskit.host.processes import is_locked, lock_holder
from opskit.transfer.deadline import Deadline

T = TypeVar("T")

_DOWN = frozenset({"missing", "not_a_file", "permission_denied", "not_a_database", "corrupt", "io_error"})
"""Reasons why a database counts as down; locked or waiting for recovery it is there and whole."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The database file as it was found."""

    file: Path
    status: os.stat_result
    header: Header | None

    @property
    def wal(self) -> bool:
        return self.header is not None and self.header.wal


class LockWatch:
    """Since when the write lock of a database has been seen held, nothing having been committed meanwhile."""

    def __init__(self) -> None:
        self._hold: Hashable = None
        self._since = 0.0

    def seen(self, hold: Hashable, now: float) -> float:
        """For how many seconds it has been so.

        Args:
            hold: who holds the lock, and what the last commit was; None while it is free.
        """
        if hold is None or hold != self._hold:
            self._hold, self._since = hold, now
        return now - self._since


class SqliteReader:
    """Reads one database.

    Args:
        name: the database's configured name.
        queries: of one's own; those for this database are asked, too.
    """

    def __init__(self, name: str, file: Path, queries: Sequence[CustomQuery] = ()) -> None:
        self._name = name
        self._file = file
        self._watch = LockWatch()
        self._custom = {one.name: one for one in queries if one.on(Engine.SQLITE, name)}
        self._lasting = Lasting()

    def read(self, deadline: Deadline) -> Reading:
        """The database as it is now."""
        found, seen = probe("connect", lambda: _look(self._file))
        if seen is None:
            return Reading(self._name, Engine.SQLITE, up=False, probes=(found,))
        looked = [collect(collector, partial(work, seen)) for collector, work in _FILE_COLLECTORS]
        looked.append(collect(LOCK, partial(_lock, self._watch, seen)))
        answered, asked = probe("read", lambda: self._asked(deadline, wal=seen.wal))
        up = answered.failure not in _DOWN
        return Reading(self._name, Engine.SQLITE, up, (found, answered), (*looked, *(asked or ())))

    def _asked(self, deadline: Deadline, *, wal: bool) -> list[Outcome]:
        lasting = {
            name: found for name, one in self._custom.items() if (found := self._lasting.of(name, one.every))
        }
        texts = {name: query(Engine.SQLITE, name).decode() for name in QUERIES}
        texts |= {name: one.text for name, one in self._custom.items() if name not in lasting}
        asked = [understood(one, self._custom) for one in ask(self._file, texts, deadline, wal=wal)]
        self._lasting.keep(asked)
        return [*asked, *lasting.values()]


def _look(file: Path) -> _Seen:
    with translated():
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ReadFailed.of("not_a_file", "the SQLite database is not a file", where=str(file))
            header = sqlite_files.parse_header(os.pread(descriptor, sqlite_files.HEADER_BYTES, 0))
        finally:
            os.close(descriptor)
    if header is None and status.st_size:
        raise ReadFailed.of("not_a_database", "the file is not a SQLite database", where=str(file))
    return _Seen(file, status, header)


def _database(seen: _Seen) -> Iterable[Row]:
    header = seen.header
    yield {
        "info": 1,
        "server_version": header.library if header else "",
        "schema_version": str(header.user_version) if header else "",
        "writable": bool(seen.status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)),
    }


def _database_size(seen: _Seen) -> Iterable[Row]:
    yield {"size_bytes": seen.status.st_size}


def _header(seen: _Seen) -> Iterable[Row]:
    if seen.header:
        yield {"page_size": seen.header.page_size}


def _journal_mode(seen: _Seen) -> Iterable[Row]:
    yield {"mode": "wal", "in_use": seen.wal}
    yield {"mode": "rollback", "in_use": not seen.wal}


def _files(seen: _Seen) -> Iterable[Row]:
    yield {"file": "database", "bytes": seen.status.st_size}
    for suffix in ("wal", "shm"):
        with translated(), suppress(FileNotFoundError):
            yield {"file": suffix, "bytes": _beside(seen.file, suffix).stat().st_size}


def _wal(seen: _Seen) -> Iterable[Row]:
    if not seen.wal:
        return
    if not _size(_beside(seen.file, "wal")):
        yield {"frames": 0, "pending": 0, "reader_lag": 0}
    index = _wal_index(seen)
    if index and _size(_beside(seen.file, "wal")):
        begun = _opened(_beside(seen.file, "shm"), partial(_begun, index)) or ()
        lag = max((index.frames - mark for mark in begun), default=0)
        yield {"frames": index.frames, "pending": index.frames - index.backfilled, "reader_lag": max(0, lag)}


def _wal_index(seen: _Seen) -> WalIndex | None:
    return sqlite_files.parse_wal_index(_head(_beside(seen.file, "shm"), sqlite_files.WAL_INDEX_BYTES))


def _begun(index: WalIndex, descriptor: int) -> list[int]:
    """How far the log was written when each of those who read now began."""
    return [
        mark
        for number, mark in enumerate(index.marks)
        if is_locked(descriptor, sqlite_files.WAL_READ_LOCKS + number, 1)
    ]


def _lock(watch: LockWatch, seen: _Seen) -> Iterable[Row]:
    index = _wal_index(seen) if seen.wal else None
    file, area = (
        (_beside(seen.file, "shm"), sqlite_files.WAL_WRITE_LOCK)
        if seen.wal
        else (seen.file, sqlite_files.FILE_WRITE_LOCKS)
    )
    holder = _opened(file, lambda descriptor: lock_holder(descriptor, *area))
    committed = index.changes if index else seen.header and seen.header.changes
    journal = sqlite_files.has_journal(_head(_beside(seen.file, "journal"), 8))
    yield {
        "write_lock_held": holder is not None,
        "held_seconds": watch.seen(None if holder is None else (holder, committed), time.monotonic()),
        "hot_journal": journal and holder is None,
    }


def _statement_stats(_seen: _Seen) -> Iterable[Row]:
    """SQLite keeps none."""
    yield {"available": False}


_FILE_COLLECTORS: tuple[tuple[str, Callable[[_Seen], Iterable[Row]]], ...] = (
    ("database", _database),
    ("size", _database_size),
    ("header", _header),
    ("journal_mode", _journal_mode),
    ("files", _files),
    ("wal", _wal),
    ("statement_stats", _statement_stats),
)

LOCK = "lock"

COLLECTORS = (*(name for name, _ in _FILE_COLLECTORS), LOCK, *QUERIES)


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(f"{file.name}-{suffix}")


def _size(file: Path) -> int:
    with translated():
        try:
            return file.stat().st_size
        except FileNotFoundError:
            return 0


def _head(file: Path, length: int) -> bytes:
    with translated():
        try:
            with file.open("rb", buffering=0) as opened:
                return opened.read(length) or b""
        except FileNotFoundError:
            return b""


def _opened(file: Path, ask: Callable[[int], T]) -> T | None:
    """What is asked of the file's descriptor; None when there is no such file."""
    with translated():
        try:
            with file.open("rb", buffering=0) as opened:
                return ask(opened.fileno())
        except FileNotFoundError:
            return None
