"""Asking SQLite itself about a database that an application may be using, without leaving a trace."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar, cast
from urllib.parse import quote

import apsw

from opskit.exporter.reading import DEADLINE, Outcome, ReadFailed, Row, Value, collect
from opskit.transfer.deadline import Deadline

T = TypeVar("T")

QUERIES = ("pages", "tables")
"""Collectors that are .sql files."""

BUSY_SECONDS = 0.25
"""How long a query waits for somebody who excludes readers for the moment."""

STEPS = 10_000
"""After so many steps of SQLite's virtual machine the deadline is looked at."""

PAUSE_SECONDS = 0.005
"""The pause between two attempts at a lock."""


class _Cursor(Iterable[Sequence[Value]], Protocol):
    def get_description(self) -> Sequence[tuple[str, str]]: ...


class _Executes(Protocol):
    """What is used of apsw, typed (its own stubs leave the values partly unknown)."""

    def execute(self, statements: str) -> _Cursor: ...


def ask(file: Path, texts: Mapping[str, str], deadline: Deadline, *, wal: bool) -> Sequence[Outcome]:
    """The outcomes of queries.

    Args:
        texts: by the names of their collectors.

    Raises:
        ReadFailed: SQLite cannot read the file at all.
    """
    answers = partial(_answers, file, texts, deadline)
    with translated():
        return _ask_wal(file, answers, deadline) if wal else answers("mode=ro")


def _ask_wal(
    file: Path, answers: Callable[[str], Sequence[Outcome]], deadline: Deadline
) -> Sequence[Outcome]:
    """The outcomes of a database in WAL mode.

    Who writes a WAL database has a -wal and a -shm before the first byte, and while we hold SHARED nobody
    takes them away (opskit.schema.sqlite_source has the whole of it). So a file without them that still has
    none afterwards stood still: it was read as one that never changes, which spares making a -shm.
    """
    with _shared(file, deadline):
        if _stands_still(file):
            try:
                found = answers("mode=ro&immutable=1")
            except apsw.Error:  # what was read may have been torn
                if _stands_still(file):
                    raise
            else:
                if _stands_still(file):
                    return found
        return _patiently(lambda: answers("mode=ro&readonly_shm=1"), deadline)


def _stands_still(file: Path) -> bool:
    """Whether a WAL database has no writer and nothing in its -wal."""
    log, index = (file.with_name(f"{file.name}-{suffix}") for suffix in ("wal", "shm"))
    return not log.exists() or not (log.stat().st_size or index.exists())


@contextmanager
def _shared(file: Path, deadline: Deadline) -> Generator[None]:
    """Holds SQLite's SHARED lock on the file."""
    held = apsw.VFSFile("", str(file), [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0])
    try:
        _patiently(lambda: held.xLock(apsw.SQLITE_LOCK_SHARED), deadline)
        yield
    finally:
        held.xClose()


def _patiently(work: Callable[[], T], deadline: Deadline) -> T:
    """Tries for a while: the last one who closes the file excludes everybody, and the first one who opens it
    makes its index, before which it cannot be read without writing.
    """
    until = deadline.earlier(max(0.0, deadline.left() - BUSY_SECONDS))
    while True:
        try:
            return work()
        except (apsw.BusyError, apsw.ReadOnlyError):
            if not until.left():
                raise
            time.sleep(PAUSE_SECONDS)


def _answers(file: Path, texts: Mapping[str, str], deadline: Deadline, manner: str) -> Sequence[Outcome]:
    """The queries' outcomes, all as of the moment at which a first one was answered."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(f"file:{quote(str(file.absolute()))}?{manner}", flags=flags)) as session:
        session.set_busy_timeout(int(min(BUSY_SECONDS, deadline.left()) * 1000))
        session.set_progress_handler(lambda: not deadline.left(), STEPS)
        cast("_Executes", session).execute("begin")
        _rows(session, "select count(*) from sqlite_schema")
        return [collect(name, partial(_collected, session, text)) for name, text in texts.items()]


def _collected(session: apsw.Connection, text: str) -> list[Row]:
    with translated():
        return _rows(session, text)


def _rows(session: apsw.Connection, text: str) -> list[Row]:
    cursor = cast("_Executes", session).execute(text)
    names = [column[0] for column in cursor.get_description()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


@contextmanager
def translated() -> Generator[None]:
    """The errors of SQLite and of its files as ours, at the edge."""
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
        apsw.InterruptError: DEADLINE,
    }
    return next((reason for kind, reason in reasons.items() if isinstance(error, kind)), "sqlite")
