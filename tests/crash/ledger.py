"""What a writer notes of its transactions: begun, acknowledged, or failed, in which case nobody knows.

One line of JSON each, by one write(2): what a writer noted before it was killed is there.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from opskit.config import Engine

Event = Literal["begun", "acknowledged", "failed"]


@dataclass(frozen=True, slots=True)
class Note:
    """One line.

    Attributes:
        number: of the writer's transaction.
        at: nanoseconds; of one host's monotonic clock, which is the same for all of its processes.
        error: why it failed.
    """

    writer: str
    number: int
    event: Event
    engine: Engine
    database: str
    at: int
    error: str = ""


class Ledger:
    """A writer's own ledger, to write.

    Args:
        durable: each line is on the disk before the writer goes on: a host that crashes keeps it.
        clock_offset: nanoseconds that are added to the monotonic clock, which a reboot sets back.
    """

    def __init__(self, file: Path, writer: str, *, durable: bool = False, clock_offset: int = 0) -> None:
        self.next = 1 + max((one.number for one in read_ledger(file, writer)), default=0)
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._durable = durable
        self._offset = clock_offset
        os.write(self._descriptor, b"\n")  # the last line may be torn

    def note(self, number: int, event: Event, engine: Engine, database: str, error: str = "") -> None:
        """Appends a line."""
        entry = {"number": number, "event": event, "engine": engine.value, "database": database}
        entry |= {"at": time.monotonic_ns() + self._offset, **({"error": error} if error else {})}
        os.write(self._descriptor, (json.dumps(entry) + "\n").encode())
        if self._durable:
            os.fsync(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def read_ledger(file: Path, writer: str) -> Iterator[Note]:
    """The lines of a ledger, in order; torn ones are passed over."""
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        yield Note(**{**entry, "writer": writer, "engine": Engine(entry["engine"])})
