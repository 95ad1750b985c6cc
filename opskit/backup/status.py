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
from opskit.backup.records import Level, Looked
from opskit.backup.shelf import Backup, heirs
from opskit.config import Engine
from opskit.errors import OpskitError
from opskit.host.files import write_whole
from opskit.runs.backup_status import CREATE, FILE, INTEGRITY, LAST_GOOD, RETAINED, load_document
from opskit.runs.plan import JsonValue


def tell_created(place: Place, job: Job, result: Manifest | OpskitError, seconds: float) -> None:
    """Tells how making a backup ended, and what it has shown of a SQLite file, which it checks."""
    told: dict[str, JsonValue] = {
        "at": _now(),
        "seconds": round(seconds, 1),
        "ok": isinstance(result, Manifest),
    }
    attempts: dict[str, JsonValue] = {CREATE: told}
    if isinstance(result, Manifest):
        told |= {"id": result.id, "engine": result.engine.value, "bytes": result.size}
        attempts |= {LAST_GOOD: told}
    if job.engine is Engine.POSTGRESQL:
        attempts[INTEGRITY] = None
    elif isinstance(result, Manifest) or _finds_damage(result):
        attempts[INTEGRITY] = {"at": _now(), "ok": isinstance(result, Manifest)}
    tell(place, dict.fromkeys((job.database, *job.also), attempts))


def _finds_damage(error: OpskitError) -> bool:
    return any(fault.code == "sqlite_corrupt" for fault in error.faults)


def tell_looked(place: Place, level: Level, looked: Sequence[Looked]) -> None:
    """Tells how the looks at some backups ended: of each database, the worst: none hides another."""
    worst = {
        database: {level.value: _check(one)}
        for one in sorted(looked, key=lambda one: one.severity)
        for database in one.databases
    }
    tell(place, worst)


def tell(place: Place, told: Mapping[str, Mapping[str, JsonValue]]) -> None:
    """Tells something of some databases, and what is kept of all; what was told beside it stays.

    Args:
        told: database → name → value; None where nothing is told any more.
    """
    file = place.state_dir / FILE
    with _alone(place.state_dir):  # a check may end while a backup does
        known = _known(file)
        backups = place.shelf.backups()
        for database in {**place.configuration.databases, **known, **told}:
            kept = _retained([one for one in backups if database in one.databases])
            all_told = {**known.get(database, {}), RETAINED: kept, **told.get(database, {})}
            known[database] = {name: value for name, value in all_told.items() if value is not None}
        content = json.dumps(known, indent=1) + "\n"
        write_whole(file, content.encode(), mode=0o644, **heirs(place.state_dir))


def _check(one: Looked) -> dict[str, JsonValue]:
    if one.check is None:
        return {"id": one.id, "at": _now(), "ok": False, "failure": str(one.failure)}
    return {
        "id": one.id,
        "at": one.check.at.isoformat(),
        "seconds": round(one.check.seconds, 1),
        "ok": not one.check.problems,
        "problems": len(one.check.problems),
    }


def _retained(backups: Sequence[Backup]) -> dict[str, JsonValue]:
    verified = {level.value: [one.record.passed(level) for one in backups] for level in Level}
    return {
        "count": len(backups),
        "bytes": sum(one.size for one in backups),
        "damaged": sum(not one.sound for one in backups),
        "verified": {
            level: max(passed).isoformat()
            for level, moments in verified.items()
            if (passed := [at for at in moments if at])
        },
    }


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
