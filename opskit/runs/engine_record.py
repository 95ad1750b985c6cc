"""The engine of record: one small file a host that says which side is authoritative, and since when."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from opskit.config import Engine
from opskit.errors import QueryFailed, Refused
from opskit.runs.ownership import hand_over


@dataclass(frozen=True, slots=True)
class Record:
    """Which side is authoritative; `since` is ISO 8601 in UTC, `run` the run that made it so."""

    engine: Engine
    since: str
    run: str


def record_file(state_dir: Path) -> Path:
    """Where it stands."""
    return state_dir / "engine.json"


def read_record(state_dir: Path) -> Record | None:
    """The record; None before the first switch.

    Raises:
        Refused: the file cannot be read or understood.
    """
    try:
        return load_record(record_file(state_dir).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        file = record_file(state_dir)
        hint = "remove it: the fences say which side is authoritative"
        message = f"{file} cannot be understood: {error}"
        raise Refused.of("record_damaged", message, hint=hint, where=str(file)) from error


def load_record(content: bytes) -> Record:
    """The record as it was written.

    Raises:
        ValueError: it cannot be understood.
    """
    try:
        found = cast("dict[str, str]", json.loads(content))
        return Record(Engine(found["engine"]), found["since"], found["run"])
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def write_record(state_dir: Path, engine: Engine, run: str) -> None:
    """Replaces the record; it is on the disk when this returns.

    Raises:
        QueryFailed: it cannot be written.
    """
    file = record_file(state_dir)
    partial = file.with_name(f"{file.name}.partial")
    since = datetime.now(UTC).isoformat(timespec="milliseconds")
    text = json.dumps({"engine": engine.value, "since": since, "run": run}) + "\n"
    try:
        with partial.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        hand_over(partial, state_dir)
        os.replace(partial, file)  # noqa: PTH105  as atomic as it says
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise QueryFailed.of("record_failed", message, hint="make room there", where=str(file)) from error
