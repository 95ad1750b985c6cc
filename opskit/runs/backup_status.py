"""How backups are, as others read it: `backups.json` in the state directory (fields: docs/backup.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from opskit.errors import OpskitError
from opskit.runs.plan import JsonValue

FILE = "backups.json"

CREATE = "create"
LAST_GOOD = "last_good"
RETAINED = "retained"
INTEGRITY = "integrity"
"""What is told beside the checks, which go by their level."""

SINCE = "any_moment_since"


class StatusDamaged(OpskitError):
    """The status cannot be understood."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How making or checking a backup ended; None is what does not apply.

    Attributes:
        at: when it ended.
        size: bytes of the backup that was made.
    """

    at: datetime
    ok: bool
    seconds: float | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Retained:
    """The backups that are kept.

    Attributes:
        size: bytes of all of them.
        damaged: of how many something is known to be wrong.
        verified: level → when one of them last passed a check that looks as closely.
        since: any moment from then on can be brought back; None where only the backups' own can.
    """

    count: int
    size: int
    damaged: int
    verified: Mapping[str, datetime]
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """How the backups of one database are.

    Attributes:
        create: the last attempt to make one; `last_good`: the last that succeeded.
        checks: level → the last run of checks that looked so closely: of several backups, the worst result.
        integrity: whether the last backup found the application's own SQLite file sound; None on PostgreSQL.
    """

    create: Attempt | None = None
    last_good: Attempt | None = None
    checks: Mapping[str, Attempt] = field(default_factory=dict[str, Attempt])
    retained: Retained | None = None
    integrity: Attempt | None = None


def load_status(content: bytes, database: str) -> BackupStatus:
    """What was told of a database; nothing when it never was.

    Raises:
        StatusDamaged: it cannot be understood.
    """
    try:
        told = _objects(load_document(content).get(database, {}))
        retained = _retained(told[RETAINED]) if RETAINED in told else None
        attempts = {name: _attempt(one) for name, one in told.items() if name != RETAINED}
    except (ValueError, KeyError, TypeError) as error:
        raise StatusDamaged.of("damaged", "the status of the backups cannot be understood") from error
    beside = {name: attempts.pop(name, None) for name in (CREATE, LAST_GOOD, INTEGRITY)}
    return BackupStatus(beside[CREATE], beside[LAST_GOOD], attempts, retained, beside[INTEGRITY])


def load_document(content: bytes) -> dict[str, Mapping[str, JsonValue]]:
    """What was told of all databases.

    Raises:
        ValueError: it is not JSON.
        TypeError: it holds something else.
    """
    return _objects(cast("object", json.loads(content)))


def _objects(value: object) -> dict[str, Mapping[str, JsonValue]]:
    if not isinstance(value, dict):
        raise TypeError
    known = cast("dict[str, Mapping[str, JsonValue]]", value)
    if not all(isinstance(one, dict) for one in known.values()):
        raise TypeError
    return known


def _retained(told: Mapping[str, JsonValue]) -> Retained:
    count, size, damaged = (told[name] for name in ("count", "bytes", "damaged"))
    if not (isinstance(count, int) and isinstance(size, int) and isinstance(damaged, int)):
        raise TypeError(told)
    verified = cast("Mapping[str, str]", told["verified"])
    passed = {level: _moment(at) for level, at in verified.items()}
    since = told.get(SINCE)
    return Retained(count, size, damaged, passed, _moment(cast("str", since)) if since else None)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise TypeError(text)
    return at


def _attempt(told: Mapping[str, JsonValue]) -> Attempt:
    at, ok = _moment(cast("str", told["at"])), told["ok"]
    seconds, size = told.get("seconds"), told.get("bytes")
    if not isinstance(ok, bool):
        raise TypeError(told)
    if not isinstance(seconds, int | float | None) or not isinstance(size, int | None):
        raise TypeError(told)
    return Attempt(at, ok, seconds, size)
