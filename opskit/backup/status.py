"""Tells monitoring how backups are (opskit.runs.backup_status): no more than what may be read by anybody."""

import fcntl
import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from opskit.backup.create_plan import Job
from opskit.backup.manifest import Manifest
from opskit.backup.place import Place
from opskit.backup.records import Check, Level
from opskit.backup.shelf import heirs
from opskit.host.files import write_whole
from opskit.runs.backup_status import CREATE, FILE, LAST_GOOD, load_document
from opskit.runs.plan import JsonValue


def tell_created(place: Place, job: Job, made: Manifest | None, seconds: float) -> None:
    """Tells how making a backup ended.

    Args:
        made: None when it failed.
    """
    told: dict[str, JsonValue] = {"at": _now(), "seconds": round(seconds, 1), "ok": made is not None}
    if made is not None:
        told |= {"id": made.id, "engine": made.engine.value, "bytes": made.size}
    _tell(place, (job.database, *job.also), {CREATE: told, **({LAST_GOOD: told} if made else {})})


def tell_checked(place: Place, manifest: Manifest, level: Level, check: Check) -> None:
    """Tells how a check of a backup ended."""
    told: dict[str, JsonValue] = {
        "id": manifest.id,
        "at": check.at.isoformat(),
        "seconds": round(check.seconds, 1),
        "ok": not check.problems,
        "problems": len(check.problems),
    }
    _tell(place, (manifest.database, *manifest.also), {level.value: told})


def tell_not_checked(place: Place, database: str, name: str, level: Level, why: str) -> None:
    """Tells that a check could not be carried out; what is known of the backup stays."""
    told: dict[str, JsonValue] = {"id": name, "at": _now(), "ok": False, "failure": why}
    _tell(place, (database,), {level.value: told})


def _tell(place: Place, databases: Sequence[str], told: Mapping[str, JsonValue]) -> None:
    file = place.state_dir / FILE
    with _alone(place.state_dir):  # a check may end while a backup does
        known = _known(file)
        for database in databases:
            known[database] = {**known.get(database, {}), **told}
        content = json.dumps(known, indent=1) + "\n"
        write_whole(file, content.encode(), mode=0o644, **heirs(place.state_dir))


@contextmanager
def _alone(directory: Path) -> Generator[None]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _known(file: Path) -> dict[str, Mapping[str, JsonValue]]:
    """What was told; nothing when the file is missing or is not ours."""
    try:
        return load_document(file.read_bytes())
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def _now() -> str:
    return datetime.now(UTC).isoformat()
