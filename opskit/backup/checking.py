"""Looks at a backup as closely as asked: are its files as written, can they be read, do they restore?"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import apsw

from opskit.backup.drill import restored_sums
from opskit.backup.encryption import readable, room_for_plain
from opskit.backup.manifest import Damaged, Manifest, PostgresqlOrigin, SqliteOrigin, TableSum
from opskit.backup.place import Place
from opskit.backup.postgresql_dump import read_through
from opskit.backup.programs import ProgramFailed
from opskit.backup.records import Check, Level, Looked
from opskit.backup.room import check_room
from opskit.backup.shelf import Backup, sums, unusable
from opskit.backup.sqlite_content import faults, table_sums
from opskit.backup.sqlite_copy import COMPRESSED, decompress
from opskit.backup.status import tell_looked
from opskit.errors import OpskitError
from opskit.host.scratch import scratch_directory
from opskit.runs.progress import Progress


def look(backups: Sequence[Backup], level: Level, place: Place, progress: Progress) -> tuple[Looked, ...]:
    """Looks at some backups, also when one cannot be looked at; those removed meanwhile are left out."""
    looked: list[Looked] = []
    try:
        for backup in backups:
            try:
                done = check(backup, level, place, progress)
            except OpskitError as error:
                looked.append(Looked(backup.id, backup.databases, failure=error))
            else:
                looked += [Looked(backup.id, backup.databases, done)] if done else []
    finally:
        tell_looked(place, level, looked)
    return tuple(looked)


def check(backup: Backup, level: Level, place: Place, progress: Progress) -> Check | None:
    """Looks at a backup, and records what was found; None when it has been removed meanwhile.

    Raises:
        OpskitError: it could not be looked at so closely; that says nothing about it, and is not recorded.
    """
    progress.stage(f"{backup.id}: {level.value}")
    begun = time.monotonic()
    try:
        with place.shelf.using(backup.id):
            problems = find_problems(backup, level, place, progress)
            done = Check(datetime.now(UTC), time.monotonic() - begun, problems)
            newest = place.shelf.backup(backup.id).record  # somebody may have pinned it meanwhile
            place.shelf.write_record(backup.id, newest.with_check(level, done))
    except FileNotFoundError:
        return None
    return done


def find_problems(backup: Backup, level: Level, place: Place, progress: Progress) -> tuple[str, ...]:
    """What is wrong with a backup; looks no closer once something is.

    Raises:
        OpskitError: it could not be looked at so closely: a program is missing, there is no room.
    """
    manifest = backup.manifest
    if manifest is None:
        return (backup.damage,)
    problems = file_problems(backup.directory, manifest)
    if problems or level is Level.FILES:
        return problems
    try:
        with readable(backup.directory, manifest, place.configuration.backup.encrypt) as directory:
            return _content_problems(directory, manifest, level, place, progress)
    except OSError as error:
        raise unusable(place.shelf.directory, error) from error
    except apsw.Error as error:
        return (str(error),)
    except (Damaged, ProgramFailed) as error:  # anything else says nothing about the backup
        return tuple(fault.message for fault in error.faults)


def file_problems(directory: Path, manifest: Manifest) -> tuple[str, ...]:
    """How a backup's files are other than the manifest says."""
    wanted = {one.path: one for one in manifest.files}
    try:
        found = {one.path: one for one in sums(directory)}
    except OSError as error:
        return (f"{error.filename} cannot be read: {error.strerror}",)
    problems = [f"{path} is missing" for path in wanted.keys() - found.keys()]
    problems += [f"{path} is no file of the backup" for path in found.keys() - wanted.keys()]
    for path in sorted(wanted.keys() & found.keys()):
        if wanted[path].size != found[path].size:
            problems.append(f"{path} has {found[path].size:,} bytes instead of {wanted[path].size:,}")
        elif wanted[path] != found[path]:
            problems.append(f"{path} has other content than was written")
    return tuple(sorted(problems))


def _content_problems(
    directory: Path, manifest: Manifest, level: Level, place: Place, progress: Progress
) -> tuple[str, ...]:
    match manifest.origin:
        case SqliteOrigin() as origin:
            parent = room_for_plain(place.shelf.directory, encrypted=bool(manifest.recipients))
            with scratch_directory(parent) as room:
                file = room / "restored.db"
                problems = unpack(directory, origin, file)
                if problems or level is Level.READABLE:
                    return problems
                found = table_sums(file, progress)
        case PostgresqlOrigin() as origin if level is Level.READABLE:
            with scratch_directory() as room:
                read_through(origin, directory, room / "pg_restore.log")
            return ()
        case PostgresqlOrigin() as origin:
            found = restored_sums(origin, directory, place.configuration.backup.jobs, progress)
    return different_tables(manifest.tables, found)


def unpack(directory: Path, origin: SqliteOrigin, file: Path) -> tuple[str, ...]:
    """Restores a SQLite backup to a new file, and says what is wrong with that.

    Args:
        directory: the backup's.

    Raises:
        Refused: zstd is not installed, or there is no room.
        OpskitError: it cannot be unpacked.
        OSError: the disk failed.
    """
    check_room(file.parent, origin.size, "the unpacked backup")
    try:
        decompress(directory / COMPRESSED, file)
    except ProgramFailed:
        written = file.stat().st_size if file.exists() else 0
        check_room(file.parent, origin.size - written, "the rest of the unpacked backup")
        raise
    found = file.stat().st_size
    if found != origin.size:  # of its content, zstd has compared the checksum
        return (f"the unpacked file has {found:,} bytes instead of {origin.size:,}",)
    return faults(file)


def different_tables(wanted: Sequence[TableSum], found: Sequence[TableSum]) -> tuple[str, ...]:
    """How restored tables differ from those that were backed up.

    >>> different_tables([TableSum("a", 2, "f0")], [TableSum("a", 3, "f1"), TableSum("b", 0, "0")])
    ('table a has 3 rows instead of 2', 'table b was not in the backup')
    """
    known, there = ({one.name: one for one in side} for side in (wanted, found))
    problems = [f"table {name} is missing" for name in known if name not in there]
    for name, one in there.items():
        if name not in known:
            problems.append(f"table {name} was not in the backup")
        elif one.rows != known[name].rows:
            problems.append(f"table {name} has {one.rows:,} rows instead of {known[name].rows:,}")
        elif one != known[name]:
            problems.append(f"table {name} has other content")
    return tuple(problems)


def to_check(found: Sequence[Backup], level: Level) -> tuple[Backup, ...]:
    """What is looked at when nobody names a backup: all, or for a drill, which takes its time, each newest.

    Args:
        found: oldest first.
    """
    return tuple({one.database: one for one in found}.values()) if level is Level.DRILL else tuple(found)


def pin(place: Place, name: str, *, pinned: bool) -> bool:
    """Keeps a backup from being pruned, or lets it be again; tells whether that is a change.

    Raises:
        Refused: there is none of that name.
        FileFailed: the disk failed.
    """
    backup = place.shelf.backup(name)
    if backup.record.pinned is pinned:
        return False
    place.shelf.write_record(name, replace(backup.record, pinned=pinned))
    return True
