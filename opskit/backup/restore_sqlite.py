"""Restores a SQLite file beside the one it replaces, and swaps the two by a rename.

A -wal beside a restored file would be replayed over it. So before the swap nothing of the old database is
left outside its file: SQLite itself folds the -wal in. Where it cannot, because the file is broken, its
companions are set aside together with it.
"""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from opskit.backup.checking import unpack
from opskit.backup.manifest import SqliteOrigin, TableSum
from opskit.backup.restore_plan import There
from opskit.backup.sqlite_content import table_sums
from opskit.errors import Refused
from opskit.host.files import sync_directory
from opskit.host.processes import holders
from opskit.runs.progress import Progress
from opskit.schema.sqlite_file import rows, scalar

_COMPANIONS = ("-wal", "-shm", "-journal")
_OWN_SERVICES = "opskit-"
"""What the names of opskit's units begin with: they only read."""


def sqlite_there(file: Path) -> There:
    """What is there, and who has it open, as far as this process can see."""
    others = [one for one in holders([file, *companions(file)]) if not one.unit.startswith(_OWN_SERVICES)]
    return There(file.exists(), tuple(f"{one.command} (pid {one.pid})" for one in others))


@dataclass(frozen=True, slots=True)
class FileAside:
    """A new file that takes another's place once it is good; see `restore.Aside`.

    Attributes:
        room: a directory in the file system of the target, which goes with the process.
    """

    target: Path
    origin: SqliteOrigin
    room: Path

    @property
    def restored(self) -> Path:
        """The new file."""
        return self.room / "restored.db"

    def discard(self) -> None:
        """See `restore.Aside`."""
        self.restored.unlink(missing_ok=True)

    def fill(self, directory: Path, jobs: int) -> tuple[str, ...]:  # noqa: ARG002  one file is one job
        """See `restore.Aside`."""
        return unpack(directory, self.origin, self.restored)

    def sums(self, progress: Progress) -> tuple[TableSum, ...]:
        """See `restore.Aside`."""
        return table_sums(self.restored, progress)

    def swap(self, kept: str | None) -> None:
        """See `restore.Aside`."""
        set_journal_mode(self.restored, self.origin.journal_mode)
        resemble(self.restored, self.target)
        swap(self.restored, self.target, Path(kept) if kept else None)

    def swap_back(self, kept: str | None) -> None:
        """See `restore.Aside`."""
        swap_back(self.restored, self.target, Path(kept) if kept else None)


def companions(file: Path) -> list[Path]:
    """The files that may stand beside a database and belong to it."""
    return [file.with_name(file.name + suffix) for suffix in _COMPANIONS]


def fold_in(file: Path) -> None:
    """Leaves the database as one file, if it can be read.

    Raises:
        Refused: somebody uses it.
    """
    try:
        connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            rows(connection, "PRAGMA locking_mode = EXCLUSIVE")
            scalar(connection, "SELECT count(*) FROM sqlite_schema")
            rows(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
            rows(connection, "BEGIN EXCLUSIVE; COMMIT")
        finally:
            connection.close()  # the last one to close removes -wal and -shm
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Refused.of(
            "target_in_use", f"{file} is in use", hint="stop the application, then run again", where=str(file)
        ) from error
    except apsw.Error:
        return  # broken: it is kept with its companions, as it is


def set_journal_mode(file: Path, mode: str) -> None:
    """Writes into a file how the application had it written.

    Raises:
        apsw.Error: the disk failed.
    """
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        rows(connection, f"PRAGMA journal_mode = {'WAL' if mode == 'wal' else 'DELETE'}")
    finally:
        connection.close()


def resemble(restored: Path, target: Path) -> None:
    """Gives a restored file the access of the one it replaces, or its directory's owner, and syncs it.

    Raises:
        OSError: it may not be given away.
    """
    about = target.stat() if target.exists() else target.parent.stat()
    descriptor = os.open(restored, os.O_RDONLY | os.O_NOFOLLOW)  # the directory is not root's
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, about.st_uid, about.st_gid)
        if target.exists():
            os.fchmod(descriptor, stat.S_IMODE(about.st_mode))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def swap(restored: Path, target: Path, kept: Path | None) -> None:
    """Puts a restored file in the place of another, which keeps a second name.

    Raises:
        Refused: the other is in use.
        OSError: the disk failed.
    """
    if kept is not None:
        fold_in(target)
        kept.hardlink_to(target)
        for one, other in zip(companions(target), companions(kept), strict=True):
            with suppress(FileNotFoundError):
                one.rename(other)
        sync_directory(target.parent)
    for one in companions(target):  # of a database that is gone
        one.unlink(missing_ok=True)
    restored.rename(target)
    sync_directory(target.parent)


def swap_back(restored: Path, target: Path, kept: Path | None) -> None:
    """Puts everything back as it was before a swap, wherever that had come to.

    Raises:
        OSError: the disk failed.
    """
    if kept is None:
        if not restored.exists():
            target.unlink(missing_ok=True)
    elif kept.exists() and not tidy(target, kept):
        kept.rename(target)
        _companions_back(target, kept)
    sync_directory(target.parent)


def tidy(target: Path, kept: Path) -> bool:
    """Takes the second name from a file whose swap did not come to the rename; tells whether that was so.

    Raises:
        OSError: the disk failed.
    """
    if not (kept.exists() and target.exists() and kept.samefile(target)):
        return False
    _companions_back(target, kept)
    kept.unlink()
    return True


def _companions_back(target: Path, kept: Path) -> None:
    for one, other in zip(companions(target), companions(kept), strict=True):
        with suppress(FileNotFoundError):
            other.rename(one)
