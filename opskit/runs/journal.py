"""The journal of a run: append-only JSON lines, each on disk before the world changes.

A kill at any moment leaves a file whose last line says what was being done. The world, not the journal,
decides what is left to do; the journal tells the operator and the next run which run it was.
"""

import errno
import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from opskit.errors import OpskitError
from opskit.runs.ownership import hand_over
from opskit.runs.plan import JsonValue


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that was killed: its id, command and subject.

    Attributes:
        begun: the titles of the steps it had begun, in order.
        done: the titles of the steps it had done, and what each had found.
        leaves: files it was going to make, of no use without its end.
    """

    run: str
    command: str
    subject: str
    begun: tuple[str, ...]
    file: Path
    leaves: tuple[Path, ...] = ()
    done: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


class JournalFailed(OpskitError):
    """The journal cannot be written."""


class Journal:
    """Writes one run's journal. `run` is its id: time and process, sortable.

    Args:
        leaves: files that are of no use if the run does not come to its end.

    Raises:
        JournalFailed: from all that writes, when the disk is full or does not answer.
    """

    def __init__(self, directory: Path, command: str, subject: str, leaves: Sequence[Path] = ()) -> None:
        self.run = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}"
        self.file = directory / f"{self.run}.jsonl"
        self._torn = False
        with self._writing():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            hand_over(directory, directory.parent)
            self._descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
            hand_over(self._descriptor, directory)
        files = [str(file) for file in leaves]
        self.write("started", command=command, subject=subject, pid=os.getpid(), leaves=files)
        with self._writing():
            _sync_directory(directory)

    def write(self, event: str, **details: JsonValue) -> None:
        """Appends an event and waits until the disk has it."""
        self.note(event, **details)
        with self._writing():
            os.fsync(self._descriptor)

    def note(self, event: str, **details: JsonValue) -> None:
        """Appends an event that any kill leaves there, and a power loss only after the next `write`."""
        entry = {"at": datetime.now(UTC).isoformat(), "event": event, **details}
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode()
        with self._writing():
            # a full disk takes a part of a line; the next one must not be lost with it
            written = os.write(self._descriptor, b"\n" + line if self._torn else line)
            self._torn = written < len(line)
            if self._torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise JournalFailed.of(
                "journal_failed",
                f"the journal {self.file} cannot be written: {error.strerror}",
                hint="make room on the disk of the state directory, then run again",
                where=str(self.file),
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


FINAL = frozenset({"finished", "reverted", "abandoned"})
"""Events after which a run is over."""


def unfinished(directory: Path, command: str, subject: str) -> Iterator[UnfinishedRun]:
    """Runs of a command on a subject that never came to an end, oldest first."""
    for file in sorted(directory.glob("*.jsonl")):
        events = list(read_journal(file))
        if not events or any(entry.get("event") in FINAL for entry in events):
            continue
        first = events[0]
        if first.get("command") == command and first.get("subject") == subject:
            steps = [str(entry["step"]) for entry in events if entry.get("event") == "intent"]
            leaves = tuple(map(Path, cast("list[str]", first.get("leaves", []))))
            done = {
                str(entry["step"]): cast("JsonValue", entry.get("found"))
                for entry in events
                if entry.get("event") == "done"
            }
            yield UnfinishedRun(file.stem, command, subject, tuple(steps), file, leaves, done)


def last_finished(directory: Path, command: str, about: str) -> datetime | None:
    """When a run of a command came to its end last whose subject has a text in it; None when none has."""
    for file in sorted(directory.glob("*.jsonl"), reverse=True):
        events = list(read_journal(file))
        if not events or events[-1].get("event") != "finished":
            continue
        if events[0].get("command") == command and about in str(events[0].get("subject")):
            return datetime.fromisoformat(str(events[-1]["at"]))
    return None


def abandon(run: UnfinishedRun) -> None:
    """Marks a killed run as over, because a later one has cleaned up after it."""
    entry = json.dumps({"at": datetime.now(UTC).isoformat(), "event": "abandoned"})
    with run.file.open("a", encoding="utf-8") as file:
        file.write(f"\n{entry}\n")  # a line of its own, also behind a torn one
        file.flush()
        os.fsync(file.fileno())


def read_journal(file: Path) -> Iterator[Mapping[str, object]]:
    """The events of a journal; a torn last line (power loss) is passed over."""
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):  # names may hold U+2028
        try:
            entry = cast("object", json.loads(line))
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict):
            yield cast("Mapping[str, object]", entry)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
