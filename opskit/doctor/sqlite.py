"""Looking at a SQLite file without leaving a trace: who has it open, who has it locked, is it whole?"""

import pwd
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import apsw

from opskit.doctor.facts import FileState, Holder, SqliteFile
from opskit.exporter import sqlite_files
from opskit.host import processes
from opskit.host.commands import CommandFailed, run
from opskit.host.postgresql_programs import as_account
from opskit.schema.sqlite_file import rows

LOCK_SECONDS = 3.0
"""The shortest time that the application waits for a lock (3000 to 5000 ms)."""

CHECK_SECONDS = 10.0
"""How long a file is checked; a larger one is checked in part."""

_NOT_NOW = (apsw.BusyError, apsw.LockedError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.SQLError)
"""Somebody is at work, the file waits for its recovery, or the application has collations of its own."""

_PAUSE = 0.05
_STEPS = 100_000
"""Of SQLite's virtual machine, between two looks at the clock."""


def look(file: Path, user: str = "") -> SqliteFile:
    """The file now. Every descriptor is closed before SQLite opens it: closing one drops SQLite's locks.

    Args:
        user: the application's account.
    """
    try:
        with file.open("rb", buffering=0) as opened:
            header = sqlite_files.parse_header(opened.read(sqlite_files.HEADER_BYTES) or b"")
            size = file.stat().st_size
    except FileNotFoundError:
        return SqliteFile(file, FileState.MISSING)
    except PermissionError:  # this user's, which need not be the application's
        return SqliteFile(file, FileState.UNCHECKED, "this user may not read it")
    except OSError as error:
        return SqliteFile(file, FileState.UNREADABLE, str(error.strerror))
    held = _holders(file)
    if header is None and size:
        return SqliteFile(file, FileState.NOT_A_DATABASE, holders=held)
    wal = header is not None and header.wal
    writer = _lasting_writer(file, wal=wal)
    state, detail = _integrity(file, wal=wal)
    return SqliteFile(
        file,
        state,
        detail,
        _size(_beside(file, "-wal")),
        writer is not None,
        writer or 0,
        held,
        _closed(file, user),
    )


def _closed(file: Path, user: str) -> Path | None:
    """The first of the directory, the file and its companions that an account may not write."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:  # nobody named, or one that exists only while the unit runs
        return None
    if not processes.sees_all():
        return None
    companions = (_beside(file, suffix) for suffix in ("-wal", "-shm", "-journal"))
    there = (one for one in (file.resolve().parent, file, *companions) if one.exists())
    return next((one for one in there if not _may_write(account, one)), None)


def _may_write(account: pwd.struct_passwd, path: Path) -> bool:
    try:
        run([*as_account(account), "test", "-w", path], timeout=LOCK_SECONDS)
    except CommandFailed:
        return False
    return True


def _holders(file: Path) -> tuple[Holder, ...] | None:
    if not processes.sees_all():
        return None
    files = (file, _beside(file, "-wal"), _beside(file, "-shm"))
    return tuple(Holder(one.pid, one.command, one.unit) for one in processes.holders(files))


def _lasting_writer(file: Path, *, wal: bool) -> int | None:
    """Who holds the write lock at every look; None when it is free, or another's, at one of them."""
    area = sqlite_files.WAL_WRITE_LOCK if wal else sqlite_files.FILE_WRITE_LOCKS
    where = _beside(file, "-shm") if wal else file
    until = time.monotonic() + LOCK_SECONDS
    first = writer = _writer(where, area)
    while writer is not None and time.monotonic() < until:
        time.sleep(_PAUSE)
        writer = _writer(where, area)
        if writer != first:  # it goes from hand to hand
            return None
    return writer


def _writer(file: Path, area: tuple[int, int]) -> int | None:
    try:
        with file.open("rb", buffering=0) as opened:
            return processes.lock_holder(opened.fileno(), *area)
    except OSError:
        return None


def _integrity(file: Path, *, wal: bool) -> tuple[FileState, str]:
    """Whether its pages fit together, as far as the time allows, and what SQLite says when not.

    A -wal without -shm can only be read by making the -shm, which is the application's to do. Without a -wal
    the file stands still, unless somebody begins to write: what is found then is asked again.
    """
    while True:
        if not (wal and _size(_beside(file, "-wal"))):
            before = _stamp(file)
            found = _checked(file, "&immutable=1" if wal else "")
            moved = before != _stamp(file) or _size(_beside(file, "-wal"))
            if found[0] is not FileState.CORRUPT or not wal or not moved:
                return found
        elif _beside(file, "-shm").exists():
            return _checked(file, "&readonly_shm=1")
        else:
            return FileState.UNCHECKED, "its -wal has to be folded in first"


def _checked(file: Path, manner: str) -> tuple[FileState, str]:
    address = f"file:{quote(str(file.absolute()))}?mode=ro{manner}"
    try:
        opened = apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        with closing(opened) as session:
            until = time.monotonic() + CHECK_SECONDS
            session.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            ((answer,),) = rows(session, "PRAGMA quick_check(1)")
    except apsw.InterruptError:
        return FileState.UNCHECKED, f"it was checked for {CHECK_SECONDS:.0f} s and is not through"
    except _NOT_NOW as error:
        return FileState.UNCHECKED, str(error)
    except apsw.NotADBError as error:
        return FileState.NOT_A_DATABASE, str(error)
    except apsw.CorruptError as error:
        return FileState.CORRUPT, str(error)
    except apsw.Error as error:
        return FileState.UNREADABLE, str(error)
    return (FileState.SOUND, "") if answer == "ok" else (FileState.CORRUPT, " ".join(str(answer).split()))


def _beside(file: Path, suffix: str) -> Path:
    real = file.resolve()  # companions stand beside the file itself, not beside a link to it
    return real.with_name(real.name + suffix)


def _stamp(file: Path) -> tuple[int, int]:
    """Changes whenever the file does."""
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
