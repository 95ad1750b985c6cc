"""What is known of the cluster's backups beside what the repository says: how their checks ended."""

from pathlib import Path

from opskit.backup.pgbackrest.catalogue import is_label
from opskit.backup.place import Place
from opskit.backup.records import Check, Level, Record, RecordDamaged, dump, load
from opskit.backup.shelf import heirs
from opskit.host.files import make_directory, write_whole


def record_of(place: Place, label: str) -> Record:
    """What is known of a backup; nothing when it was never checked, or that cannot be understood."""
    try:
        return load(_file(place, label).read_bytes())
    except (FileNotFoundError, RecordDamaged):
        return Record()


def write_check(place: Place, label: str, level: Level, check: Check) -> None:
    """Records how a check ended.

    Raises:
        FileFailed: the disk failed.
    """
    file = _file(place, label)
    make_directory(file.parent, mode=0o700)
    content = dump(record_of(place, label).with_check(level, check))
    write_whole(file, content, mode=0o600, **heirs(place.state_dir))


def forget_others(place: Place, labels: frozenset[str]) -> None:
    """Removes what is known of backups that are no more."""
    for file in _directory(place).glob("*.json"):
        if is_label(file.stem) and file.stem not in labels:
            file.unlink(missing_ok=True)


def _directory(place: Place) -> Path:
    return place.state_dir / "pgbackrest"


def _file(place: Place, label: str) -> Path:
    return _directory(place) / f"{label}.json"
