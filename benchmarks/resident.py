"""How much memory a process and all that it has started hold, and at most held."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_INTERVAL = 0.05
"""Seconds between two looks."""


class Peak:
    """Watches a process from now on.

    Attributes:
        bytes: the greatest sum of resident memory that was seen.
        seconds: how long it was watched.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self.seconds = 0.0
        self._pid = pid
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """It has ended."""
        self.seconds = time.monotonic() - self._begun
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL):
            self.bytes = max(self.bytes, sum(map(_resident, _tree(self._pid))))


def _tree(pid: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has ended
            continue
        for child in children:
            yield from _tree(int(child))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
