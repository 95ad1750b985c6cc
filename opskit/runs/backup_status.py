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
"""What is told beside the checks, which go by their level."""


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
class BackupStatus:
    """How the backups of one database are.

    Attributes:
        create: the last attempt to make one; `last_good`: the last that succeeded.
        checks: level → the last check that looked so closely.
    """

    create: Attempt | None = None
    last_good: Attempt | None = None
    checks: Mapping[str, Attempt] = field(default_factory=dict[str, Attempt])


def load_status(content: bytes, database: str) -> BackupStatus:
    """What was told of a database; nothing when it never was.

    Raises:
        StatusDamaged: it cannot be understood.
    """
    try:
        told = _objects(load_document(content).get(database, {}))
        attempts = {name: _attempt(one) for name, one in told.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise StatusDamaged.of("damaged", "the status of the backups cannot be understood") from error
    return BackupStatus(attempts.pop(CREATE, None), attempts.pop(LAST_GOOD, None), attempts)


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


def _attempt(told: Mapping[str, JsonValue]) -> Attempt:
    at, ok = datetime.fromisoformat(cast("str", told["at"])), told["ok"]
    seconds, size = told.get("seconds"), told.get("bytes")
    if not isinstance(ok, bool) or at.tzinfo is None:
        raise TypeError(told)
    if not isinstance(seconds, int | float | None) or not isinstance(size, int | None):
        raise TypeError(told)
    return Attempt(at, ok, seconds, size)
