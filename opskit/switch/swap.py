"""The standby's file takes the place of the application's.

At every moment a whole database stands at the application's path: the file that was there, which is fenced,
or the new one, which is not.
"""

import errno
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import apsw

from opskit.capture.sqlite_side import transaction
from opskit.capture.watch import end_watch
from opskit.errors import QueryFailed
from opskit.host.files import sync_directory
from opskit.runs.ownership import hand_over
from opskit.schema.sqlite_file import rows, scalar
from opskit.standby import habits_table, place_table
from opskit.switch.sqlite_fence import lowered, opened

_BESIDE = ("-wal", "-shm", "-journal")


def stage(standby: Path, staged: Path) -> None:
    """Moves the standby's file beside the application's, or copies it there from another file system.

    Raises:
        QueryFailed: it cannot be moved.
        Refused: there is no such file.
    """
    fold(standby)
    with _failing(staged):
        _move(standby, staged)


def unstage(standby: Path, staged: Path) -> None:
    """Gives the standby its file back.

    Raises:
        QueryFailed: it cannot be moved.
    """
    with _failing(staged):
        staged.with_name(f"{staged.name}.partial").unlink(missing_ok=True)
        if not staged.exists():
            return
        if standby.exists():
            staged.unlink()
        else:
            _move(staged, standby)
            staged.unlink(missing_ok=True)


def swap(staged: Path, file: Path, kept: Path) -> None:
    """Puts the staged file in the place of the application's, which stays under another name.

    Raises:
        QueryFailed: it cannot be done.
        Refused: a file is missing.
    """
    strip(staged, file)
    fold(file)
    with _failing(file):
        if not kept.exists():
            os.link(file, kept)
        for suffix in _BESIDE:  # they would be played into the new file
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        os.replace(staged, file)  # noqa: PTH105  as atomic as it says
        sync_directory(file.parent)


def fold(file: Path) -> None:
    """Makes one file of a database and its -wal.

    Raises:
        QueryFailed: somebody has it open.
        Refused: there is no such file.
    """
    with opened(file) as connection:
        busy = scalar(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    wal = file.with_name(f"{file.name}-wal")
    if busy or (wal.exists() and wal.stat().st_size):
        hint = "see who has it open: opskit doctor"
        raise QueryFailed.of("sqlite_held", f"{file} is in use", hint=hint, where=str(file))


def strip(staged: Path, like: Path) -> None:
    """Takes everything of opskit's out of a file, and gives it the journal mode and access of another.

    Raises:
        QueryFailed: the file cannot be changed.
        Refused: a file is missing.
    """
    take_out(staged)
    with opened(like) as model:
        mode = str(scalar(model, "PRAGMA journal_mode"))
    with opened(staged) as connection:
        rows(connection, f"PRAGMA journal_mode = {mode if mode == 'wal' else 'delete'}")
    with _failing(staged):
        about = like.stat()
        os.chown(staged, about.st_uid, about.st_gid)
        staged.chmod(stat.S_IMODE(about.st_mode))
        _sync(staged)


def take_out(file: Path) -> None:
    """Takes everything of opskit's out of a file.

    Raises:
        QueryFailed: the file cannot be changed.
        Refused: there is no such file.
    """
    end_watch(file)
    with opened(file) as connection, transaction(connection):
        triggers = rows(connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        names = [str(name) for (name,) in triggers]
        ours = (f"DROP TABLE IF EXISTS {one}" for one in (place_table.TABLE, habits_table.TABLE))
        for statement in (*lowered(names), *ours):
            rows(connection, statement)


def is_sound(file: Path) -> str:
    """Why a file is none that the application could work with; empty when it is.

    Raises:
        QueryFailed: it cannot be read.
        Refused: there is no such file.
    """
    with opened(file) as connection:
        answer = str(scalar(connection, "PRAGMA quick_check(1)"))
    return "" if answer == "ok" else answer


def _move(file: Path, to: Path) -> None:
    try:
        os.rename(file, to)  # noqa: PTH104  as atomic as it says
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        partial = to.with_name(f"{to.name}.partial")
        shutil.copyfile(file, partial)
        hand_over(partial, to.parent)
        _sync(partial)
        os.replace(partial, to)  # noqa: PTH105  as atomic as it says
    sync_directory(to.parent)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _failing(file: Path) -> Generator[None]:
    try:
        yield
    except (OSError, apsw.Error) as error:
        message = f"{file}: {error}"
        raise QueryFailed.of("swap_failed", message, hint="make room there", where=str(file)) from error
