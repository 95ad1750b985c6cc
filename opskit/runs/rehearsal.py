"""How the last rehearsal of a rollback went, as others read it: `rehearsals.json` in the state directory."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from opskit.errors import OpskitError, Refused
from opskit.host.files import make_directory, remove, write_whole
from opskit.runs.plan import JsonValue

FILE = "rehearsals.json"


class RehearsalsDamaged(OpskitError):
    """What was told of rehearsals cannot be understood."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How the last rehearsal of one database ended.

    Attributes:
        at: when.
        seconds: for how long a rollback would stop the application's writes; None when it would not work.
        failure: why it would not; empty when it would.
    """

    at: datetime
    seconds: float | None = None
    failure: str = ""

    @property
    def ok(self) -> bool:
        """Would a rollback work?"""
        return not self.failure

    def to_json(self) -> Mapping[str, JsonValue]:
        """The rehearsal as a JSON object."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "ok": self.ok,
            "seconds": self.seconds,
            "failure": self.failure,
        }


def tell(state_dir: Path, rehearsals: Mapping[str, Rehearsal]) -> None:
    """Replaces what was told. The group of the state directory may read it.

    Args:
        rehearsals: by the database's configured name; without any, nothing is told any more.

    Raises:
        FileFailed: the file cannot be written.
    """
    file = state_dir / FILE
    if not rehearsals:
        remove(file)
        return
    make_directory(state_dir, mode=0o700)
    told = {name: one.to_json() for name, one in rehearsals.items()}
    about, is_root = state_dir.stat(), os.geteuid() == 0  # root leaves it to who runs the service
    owner, group = (about.st_uid, about.st_gid) if is_root else (os.geteuid(), os.getegid())
    content = json.dumps(told, indent=1) + "\n"
    write_whole(file, content.encode(), mode=0o640, owner=str(owner), group=str(group))


def read_rehearsals(state_dir: Path) -> Mapping[str, Rehearsal]:
    """What was told of all databases; nothing when it never was, or cannot be understood.

    Raises:
        Refused: the file may not be read.
    """
    file = state_dir / FILE
    try:
        return load_rehearsals(file.read_bytes())
    except (FileNotFoundError, RehearsalsDamaged):
        return {}
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise Refused.of(
            "no_rehearsals", message, hint="run as root, or as opskit", where=str(file)
        ) from error


def load_rehearsals(content: bytes) -> Mapping[str, Rehearsal]:
    """What was told, as it was written.

    Raises:
        RehearsalsDamaged: it cannot be understood.
    """
    try:
        told = cast("dict[str, dict[str, JsonValue]]", json.loads(content))
        return {name: _rehearsal(one) for name, one in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RehearsalsDamaged.of("damaged", "what rehearsals told cannot be understood") from error


def _rehearsal(told: Mapping[str, JsonValue]) -> Rehearsal:
    at, seconds, failure = datetime.fromisoformat(cast("str", told["at"])), told["seconds"], told["failure"]
    if at.tzinfo is None or not isinstance(seconds, int | float | None) or not isinstance(failure, str):
        raise TypeError(told)
    return Rehearsal(at, seconds, failure)
