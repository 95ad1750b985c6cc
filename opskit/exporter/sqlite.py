"""Reading a SQLite database without leaving a trace: no file is made, no byte written, no lock kept.

The files are looked at first and their descriptors closed before SQLite opens the file: closing a descriptor
drops the process's POSIX locks on that file, SQLite's included.
"""

import os
import stat
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import quote

import apsw

from opskit.config import Engine
from opskit.exporter import sqlite_files
from opskit.exporter.queries import query
from opskit.exporter.reading import Deadline, Outcome, ReadFailed, Reading, Row, Value, collect, probe
from opskit.exporter.sqlite_files import Header
from opskit.host.processes import lock_holder

BUSY_SECONDS = 0.25
"""How long a query waits for a writer that excludes readers: in rollback-journal mode, or when the last one
closes a WAL database."""

PAUSE_SECONDS = 0.005
"""The pause between two attempts at a lock."""

_DOWN = frozenset({"missing", "not_a_file", "permission_denied", "not_a_database", "corrupt", "io_error"})
"""Reasons why a database counts as down; locked or waiting for recovery it is there and whole."""


class _Cursor(Iterable[Sequence[Value]], Protocol):
    def get_description(self) -> Sequence[tuple[str, str]]: ...


class _Executes(Protocol):
    """What is used of apsw, typed (its own stubs leave the values partly unknown)."""

    def execute(self, statements: str) -> _Cursor: ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """The database file as it was found."""

    file: Path
    status: os.stat_result
    header: Header | None

    @property
    def wal(self) -> bool:
        return self.header is not None and self.header.wal


def read(name: str, file: Path, deadline: Deadline) -> Reading:
    """The database in `file`; `name` is its configured name."""
    found, seen = probe("connect", lambda: _look(file))
    if seen is None:
        return Reading(name, Engine.SQLITE, up=False, probes=(found,))
    looked = [collect(collector, partial(work, seen)) for collector, work in _FILE_COLLECTORS]
    answered, asked = probe("read", lambda: _asked(seen, deadline))
    up = answered.failure not in _DOWN
    return Reading(name, Engine.SQLITE, up, (found, answered), (*looked, *(asked or ())))


def _look(file: Path) -> _Seen:
    with _translated():
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
        "size_bytes": seen.status.st_size,
        "writable": bool(seen.status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)),
    }


def _header(seen: _Seen) -> Iterable[Row]:
    if seen.header:
        yield {"page_size": seen.header.page_size}


def _journal_mode(seen: _Seen) -> Iterable[Row]:
    yield {"mode": "wal", "in_use": seen.wal}
    yield {"mode": "rollback", "in_use": not seen.wal}


def _files(seen: _Seen) -> Iterable[Row]:
    yield {"file": "database", "bytes": seen.status.st_size}
    for suffix in ("wal", "shm"):
        with _translated(), suppress(FileNotFoundError):
            yield {"file": suffix, "bytes": _beside(seen.file, suffix).stat().st_size}


def _wal(seen: _Seen) -> Iterable[Row]:
    if not seen.wal:
        return
    if not _size(_beside(seen.file, "wal")):
        yield {"frames": 0, "pending": 0}
    index = sqlite_files.parse_wal_index(_head(_beside(seen.file, "shm"), sqlite_files.WAL_INDEX_BYTES))
    if index and _size(_beside(seen.file, "wal")):
        yield {"frames": index.frames, "pending": index.frames - index.backfilled}


def _lock(seen: _Seen) -> Iterable[Row]:
    held = (
        _held(_beside(seen.file, "shm"), sqlite_files.WAL_WRITE_LOCK)
        if seen.wal
        else _held(seen.file, sqlite_files.FILE_WRITE_LOCKS)
    )
    journal = sqlite_files.has_journal(_head(_beside(seen.file, "journal"), 8))
    yield {"write_lock_held": held, "hot_journal": journal and not held}


def _statement_stats(_seen: _Seen) -> Iterable[Row]:
    """SQLite keeps none."""
    yield {"available": False}


_FILE_COLLECTORS: tuple[tuple[str, Callable[[_Seen], Iterable[Row]]], ...] = (
    ("database", _database),
    ("header", _header),
    ("journal_mode", _journal_mode),
    ("files", _files),
    ("wal", _wal),
    ("lock", _lock),
    ("statement_stats", _statement_stats),
)
QUERIES = ("pages", "tables")
"""Collectors that are .sql files."""

COLLECTORS = (*(name for name, _ in _FILE_COLLECTORS), *QUERIES)


def _asked(seen: _Seen, deadline: Deadline) -> Sequence[Outcome]:
    """What SQLite itself says.

    Who writes a WAL database has a -wal and a -shm before the first byte, and while we hold SHARED nobody
    takes them away (opskit.schema.sqlite_source has the whole of it). So a file without them that still has
    none afterwards stood still: it was read as one that never changes, which spares making a -shm.
    """
    if not seen.wal:
        return _answers(seen.file, "mode=ro", deadline)
    with _shared(seen.file, deadline):
        if _stands_still(seen.file):
            try:
                answers = _answers(seen.file, "mode=ro&immutable=1", deadline)
            except ReadFailed:  # what was read may have been torn
                if _stands_still(seen.file):
                    raise
            else:
                if _stands_still(seen.file):
                    return answers
        return _answers(seen.file, "mode=ro&readonly_shm=1", deadline)


def _stands_still(file: Path) -> bool:
    """Whether a WAL database has no writer and nothing in its -wal."""
    log = _beside(file, "wal")
    return not _size(log) and not (log.exists() and _beside(file, "shm").exists())


@contextmanager
def _shared(file: Path, deadline: Deadline) -> Generator[None]:
    """Holds SQLite's SHARED lock on the file; of one that is just being closed only after a moment."""
    until = deadline.earlier(max(0.0, deadline.left() - BUSY_SECONDS))
    with _translated():
        held = apsw.VFSFile("", str(file), [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0])
    try:
        with _translated():
            _locked(held, until)
        yield
    finally:
        held.xClose()


def _locked(held: apsw.VFSFile, until: Deadline) -> None:
    while True:
        try:
            held.xLock(apsw.SQLITE_LOCK_SHARED)
        except apsw.BusyError:
            if not until.left():
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _answers(file: Path, manner: str, deadline: Deadline) -> Sequence[Outcome]:
    """The queries' outcomes, over a connection that has answered a first one."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with _translated():
        opened = apsw.Connection(f"file:{quote(str(file.absolute()))}?{manner}", flags=flags)
    with closing(opened) as session:
        session.set_busy_timeout(int(min(BUSY_SECONDS, deadline.left()) * 1000))
        _rows(session, "select count(*) from sqlite_schema")
        return [
            collect(name, partial(_rows, session, query(Engine.SQLITE, name).decode())) for name in QUERIES
        ]


def _rows(session: apsw.Connection, text: str) -> list[Row]:
    with _translated():
        cursor = cast("_Executes", session).execute(text)
        names = [column[0] for column in cursor.get_description()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(f"{file.name}-{suffix}")


def _size(file: Path) -> int:
    with _translated():
        try:
            return file.stat().st_size
        except FileNotFoundError:
            return 0


def _head(file: Path, length: int) -> bytes:
    with _translated():
        try:
            with file.open("rb", buffering=0) as opened:
                return opened.read(length) or b""
        except FileNotFoundError:
            return b""


def _held(file: Path, area: tuple[int, int]) -> bool:
    with _translated():
        try:
            with file.open("rb", buffering=0) as opened:
                return lock_holder(opened.fileno(), *area) is not None
        except FileNotFoundError:
            return False


@contextmanager
def _translated() -> Generator[None]:
    """The drivers' errors as ours, at the edge."""
    try:
        yield
    except FileNotFoundError as error:
        raise ReadFailed.of("missing", "the SQLite file does not exist") from error
    except PermissionError as error:
        raise ReadFailed.of("permission_denied", "the SQLite file may not be read") from error
    except OSError as error:
        raise ReadFailed.of("io_error", "the SQLite file cannot be read") from error
    except apsw.Error as error:
        raise ReadFailed.of(_reason(error), "SQLite cannot read the file") from error


def _reason(error: apsw.Error) -> str:
    reasons = {
        apsw.BusyError: "locked",
        apsw.LockedError: "locked",
        apsw.NotADBError: "not_a_database",
        apsw.CorruptError: "corrupt",
        apsw.IOError: "io_error",
        apsw.ReadOnlyError: "recovery_pending",
        apsw.CantOpenError: "recovery_pending",
        apsw.PermissionsError: "permission_denied",
    }
    return next((reason for kind, reason in reasons.items() if isinstance(error, kind)), "sqlite")
