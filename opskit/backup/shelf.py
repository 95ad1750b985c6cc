"""The directory that keeps the backups: what stands there, what is put there, what is taken away.

A backup is a directory that a rename put there when it was complete on the disk; a rename takes it away
before anything in it is removed. So whatever has a backup's name is whole, after any kill. What is known of
it is kept beside it, in `records`.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from opskit.backup.manifest import (
    MANIFEST,
    MANIFEST_SUM,
    Damaged,
    FileSum,
    Manifest,
    is_backup_id,
    moment_of,
    parse,
    written,
)
from opskit.backup.records import Record, RecordDamaged, dump, load
from opskit.errors import ConfigurationError, Refused
from opskit.host.files import write_whole
from opskit.host.scratch import PREFIX, SUFFIX, remove_stale
from opskit.runs.ownership import hand_over
from opskit.runs.plan import JsonValue, to_json

RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup on the shelf.

    Attributes:
        manifest: None when it is damaged; `damage` says how.
        record: what is known about it; one that cannot be understood counts as pinned.
    """

    id: str
    directory: Path
    manifest: Manifest | None
    record: Record
    damage: str = ""

    @property
    def database(self) -> str:
        """Of which database, by its name, because a damaged manifest does not tell."""
        return unquote(self.id.rpartition("-")[0])

    @property
    def databases(self) -> tuple[str, ...]:
        """Which databases of the configuration it holds."""
        return (self.database, *(self.manifest.also if self.manifest else ()))

    @property
    def size(self) -> int:
        """Bytes that it takes; of a damaged one, those of the files that are there."""
        if self.manifest is not None:
            return self.manifest.size
        return sum(one.stat().st_size for one in self.directory.rglob("*") if one.is_file())

    @property
    def sound(self) -> bool:
        """Is nothing known to be wrong with it?"""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """What is known to be wrong with it."""
        return (self.damage,) if self.manifest is None else self.record.problems()

    def to_json(self) -> Mapping[str, JsonValue]:
        """What is known about it, without its contents."""
        manifest = self.manifest
        return {
            "id": self.id,
            "database": self.database,
            "engine": manifest.engine.value if manifest else None,
            "created": moment_of(self.id).isoformat(),
            "bytes": manifest.size if manifest else None,
            "rows": manifest.rows if manifest else None,
            "encrypted": bool(manifest.recipients) if manifest else None,
            "sound": self.sound,
            "problems": to_json(self.problems),
            "pinned": self.record.pinned,
            "checks": {level.value: one.to_json() for level, one in self.record.checks.items()},
        }


@dataclass(frozen=True, slots=True)
class Shelf:
    """The directory of the backups."""

    directory: Path

    def prepare(self) -> None:
        """Makes the directory, and removes what killed runs have left in it.

        Raises:
            ConfigurationError: it cannot be made or written.
        """
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.directory / RECORDS).mkdir(mode=0o700, exist_ok=True)
            hand_over(self.directory / RECORDS, self.directory)
            remove_stale(self.directory)
            self._forget_removed()
        except OSError as error:
            raise unusable(self.directory, error) from error

    def backups(self) -> tuple[Backup, ...]:
        """All backups, oldest first; none when there is no directory.

        Raises:
            ConfigurationError: the directory cannot be read.
        """
        try:
            found = [one for one in self.directory.iterdir() if is_backup_id(one.name) and one.is_dir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise unusable(self.directory, error) from error
        return tuple(
            sorted((self._read(one.name) for one in found), key=lambda one: (moment_of(one.id), one.id))
        )

    def backup(self, name: str) -> Backup:
        """One backup.

        Raises:
            Refused: there is none of that name.
        """
        if not is_backup_id(name) or not (self.directory / name).is_dir():
            raise Refused.of(
                "unknown_backup", f"there is no backup {name}", hint="see `opskit backup list`", where=name
            )
        return self._read(name)

    def _read(self, name: str) -> Backup:
        directory = self.directory / name
        record, damage = Record(), ""
        try:
            record = load(self._record(name).read_bytes())
        except FileNotFoundError:
            pass
        except RecordDamaged as error:
            record, damage = Record(pinned=True), str(error)
        try:
            manifest = parse((directory / MANIFEST).read_bytes(), (directory / MANIFEST_SUM).read_bytes())
        except Damaged as error:
            return Backup(name, directory, None, record, str(error))
        except OSError as error:
            reason = f"{Path(error.filename or MANIFEST).name}: {error.strerror}"
            return Backup(name, directory, None, record, reason)
        return Backup(name, directory, manifest, record, damage)

    def put(self, made: Path, manifest: Manifest) -> None:
        """Puts a finished backup there, when the disk has all of it.

        Args:
            made: its directory, in this file system; it holds the files of the manifest.

        Raises:
            OSError: the disk failed.
        """
        content, proof = written(manifest)
        (made / MANIFEST).write_bytes(content)
        (made / MANIFEST_SUM).write_bytes(proof)
        for one in made.rglob("*"):
            one.chmod(0o700 if one.is_dir() else 0o600)
            hand_over(one, self.directory)
            sync(one)
        made.chmod(0o700)
        hand_over(made, self.directory)
        sync(made)
        made.rename(self.directory / manifest.id)
        sync(self.directory)

    def take_away(self, name: str) -> None:
        """Removes a backup, if it is there and nobody is checking or restoring it.

        Raises:
            OSError: the disk failed.
        """
        doomed = self.directory / f"{PREFIX}{name}{SUFFIX}"
        with suppress(FileNotFoundError, BlockingIOError), self._locked(name, fcntl.LOCK_EX | fcntl.LOCK_NB):
            (self.directory / name).rename(doomed)
            sync(self.directory)
            shutil.rmtree(doomed, ignore_errors=True)  # what remains is scratch, which the next run removes
            self._record(name).unlink(missing_ok=True)

    def write_record(self, name: str, record: Record) -> None:
        """Replaces what is known of a backup, wholly or not at all.

        Raises:
            FileFailed: the disk failed.
        """
        file = self._record(name)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(file, dump(record), mode=0o600, **heirs(self.directory))

    def _forget_removed(self) -> None:
        """Removes the records that a kill left of backups taken away before."""
        for record in (self.directory / RECORDS).glob("*.json"):
            if is_backup_id(record.stem) and not (self.directory / record.stem).exists():
                record.unlink(missing_ok=True)

    def _record(self, name: str) -> Path:
        return self.directory / RECORDS / f"{name}.json"

    @contextmanager
    def using(self, name: str) -> Generator[None]:
        """Keeps a backup from being removed for the block.

        Raises:
            FileNotFoundError: it has been removed.
        """
        with self._locked(name, fcntl.LOCK_SH):
            (self.directory / name).stat()  # somebody may have had the lock to remove it
            yield

    def in_use(self, name: str) -> bool:
        """Is somebody checking or restoring it?"""
        try:
            with self._locked(name, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True

    @contextmanager
    def _locked(self, name: str, how: int) -> Generator[None]:
        descriptor = os.open(self.directory / name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def sums(directory: Path) -> Iterator[FileSum]:
    """Size and SHA-256 of every file in a directory, but for the manifest's own.

    Raises:
        OSError: one cannot be read.
    """
    for file in sorted(directory.rglob("*")):
        path = str(file.relative_to(directory))
        if path in (MANIFEST, MANIFEST_SUM) or file.is_dir():
            continue
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            yield FileSum(path, os.fstat(content.fileno()).st_size, digest)


def heirs(directory: Path) -> dict[str, str]:
    """To whom a file in a directory shall belong: its owner may have to replace what root made."""
    about = directory.stat()
    is_root = os.geteuid() == 0
    return {
        "owner": str(about.st_uid if is_root else os.geteuid()),
        "group": str(about.st_gid if is_root else os.getegid()),
    }


def sync(path: Path) -> None:
    """Waits until the disk has a file or the names in a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unusable(directory: Path, error: OSError) -> ConfigurationError:
    """What a directory that fails means for the operator."""
    return ConfigurationError.of(
        "backup_directory",
        f"the backup directory {directory} cannot be used: {error.strerror}",
        hint="set backup.directory to a directory that this user may write, with room",
        where="backup.directory",
    )
