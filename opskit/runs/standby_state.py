"""The state of a standby as others read it: one JSON file for each database, replaced whole."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import cast

from opskit.config import Configuration
from opskit.errors import OpskitError, Refused
from opskit.runs.ownership import hand_over
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


class StateDamaged(OpskitError):
    """A state cannot be understood: a crash of the host left half a file."""


FRESH = timedelta(minutes=1)
"""A state that was told longer ago was left by a process that has ended."""


def directory_of(configuration: Configuration, state_dir: Path) -> Path:
    """Where the files are that follow, and their states."""
    return configuration.rollback.directory or state_dir / "standby"


def state_file(directory: Path, database: str) -> Path:
    """Where the state of a database is told."""
    return directory / f"{database}.json"


def is_stale(state: State, now: datetime) -> bool:
    """Has the process ended that should follow?"""
    if not is_open(state):
        return False
    written = moment(state.written)
    return written is None or now - written >= FRESH


def is_open(state: State) -> bool:
    """Is there a way back at all?"""
    return state.phase not in {Phase.CLOSED, Phase.ENDED}


def write_state(file: Path, state: State) -> None:
    """Replaces the file; readers see the old or the new one whole. The group of its directory may read it.

    Raises:
        OSError: the disk is full, or the directory cannot be written.
    """
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(json.dumps(state.to_json(), indent=1) + "\n", encoding="utf-8")
    partial.chmod(0o640)
    hand_over(partial, file.parent)
    partial.replace(file)


def read_state(file: Path, database: str) -> State:
    """The state as it was last told; closed when it never was, or cannot be understood.

    Raises:
        Refused: the file may not be read.
    """
    try:
        return load_state(file.read_bytes())
    except (FileNotFoundError, StateDamaged):
        return State(database, Phase.CLOSED)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise Refused.of("no_state", message, hint="run as root, or as opskit", where=str(file)) from error


def load_state(content: bytes) -> State:
    """A state as it was written.

    Raises:
        StateDamaged: it cannot be understood.
    """
    try:
        told = cast("dict[str, object]", json.loads(content))
        known = {item.name: told[item.name] for item in fields(State) if item.name in told}
        known["phase"] = Phase(known["phase"])
        known["reasons"] = tuple(cast("list[str]", known.get("reasons", ())))
        state = State(**known)  # pyright: ignore[reportArgumentType]  looked at below
        for fault in _faults(state):
            raise TypeError(fault)
    except (ValueError, KeyError, TypeError) as error:
        raise StateDamaged.of("damaged", "the state of a standby cannot be understood") from error
    return state


def _faults(state: State) -> Iterator[str]:
    """What has another type than it should; moments are no moments."""
    pristine = State("", Phase.CLOSED)
    for item in fields(State):
        wanted = type(cast("object", getattr(pristine, item.name)))
        value = cast("object", getattr(state, item.name))
        if not isinstance(value, (int, float, NoneType) if wanted is NoneType else wanted):
            yield item.name
    for text in (state.written, state.at, state.verified, state.opened, state.deadline):
        moment(text)


def moment(text: str) -> datetime | None:
    """A moment as states tell it; None for none.

    Raises:
        ValueError: it is no moment, or one without a time zone.
    """
    found = datetime.fromisoformat(text) if text else None
    if found and found.tzinfo is None:
        raise ValueError(text)
    return found


def utc(at: datetime | None) -> str:
    """A moment as states tell it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else ""
