"""The state of a standby as others read it: one JSON file for each database, replaced whole."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import cast

from opskit.errors import Refused
from opskit.runs.plan import JsonValue, to_json


class Phase(Enum):
    """What a standby is doing; `ended` is what the operator has closed, and stays so."""

    CLOSED = "closed"
    ENDED = "ended"
    OPENING = "opening"
    FOLLOWING = "following"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class State:
    """How the way back of one database stands; moments are ISO 8601 in UTC, empty when there are none.

    Attributes:
        written: when this was told; whoever writes it says when.
        method: `log` or `copy`; empty when none has been chosen.
        slot: the name of the slot and of the publication, also while there are none.
        why: why this method, or this phase.
        ready: a rollback would lose nothing.
        reasons: why not.
        at: the moment that the file shows.
        lag_seconds: how far that is behind.
        changes: rows that came back since this process began.
        whole: why both sides were last compared whole.
        retained_bytes: log that the server keeps for the file.
        safe_bytes: log that may be written before the server gives it up; None when it never does.
        deadline: when the window ends as configured.
    """

    database: str
    phase: Phase
    written: str = ""
    method: str = ""
    why: str = ""
    slot: str = ""
    ready: bool = False
    reasons: tuple[str, ...] = ()
    at: str = ""
    lag_seconds: float | None = None
    changes: int = 0
    verified: str = ""
    whole: str = ""
    retained_bytes: int | None = None
    safe_bytes: int | None = None
    opened: str = ""
    deadline: str = ""

    def to_json(self) -> Mapping[str, JsonValue]:
        """The state as a JSON object."""
        return cast("Mapping[str, JsonValue]", to_json(self))


FRESH = timedelta(minutes=1)
"""A state that was told longer ago was left by a process that has ended."""


def is_stale(state: State, now: datetime) -> bool:
    """Has the process ended that should follow?"""
    if not is_open(state):
        return False
    return not state.written or now - datetime.fromisoformat(state.written) >= FRESH


def is_open(state: State) -> bool:
    """Is there a way back at all?"""
    return state.phase not in {Phase.CLOSED, Phase.ENDED}


def write_state(file: Path, state: State) -> None:
    """Replaces the file; readers see the old or the new one whole.

    Raises:
        OSError: the disk is full, or the directory cannot be written.
    """
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(json.dumps(state.to_json(), indent=1) + "\n", encoding="utf-8")
    os.replace(partial, file)  # noqa: PTH105  as atomic as it says


def read_state(file: Path, database: str) -> State:
    """The state as it was last told; closed when it never was.

    Raises:
        Refused: the file may not be read.
    """
    try:
        told = cast("dict[str, object]", json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError):
        return State(database, Phase.CLOSED)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise Refused.of("no_state", message, hint="run as root, or as opskit", where=str(file)) from error
    known = {item.name: told[item.name] for item in fields(State) if item.name in told}
    reasons = tuple(map(str, cast("list[str]", known.pop("reasons", []))))
    phase = Phase(known.pop("phase"))
    return State(phase=phase, reasons=reasons, **known)  # pyright: ignore[reportArgumentType]  as `write_state` wrote them


def utc(moment: datetime | None) -> str:
    """A moment as states tell it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else ""
