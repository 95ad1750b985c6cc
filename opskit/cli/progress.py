"""Showing progress on stderr: bars on a terminal, a line every few seconds, JSON lines, or nothing."""

import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opskit.runs.progress import Progress, Silence

INTERVAL = 5.0
"""Seconds between two lines about the same task."""


@contextmanager
def shown(how: str) -> Generator[Progress]:
    """A progress display for the block.

    Args:
        how: auto, plain, json or none.
    """
    if how == "none":
        yield Silence()
    elif how == "auto" and sys.stderr.isatty():
        with _bars() as bars:
            yield bars
    else:
        yield _Lines(as_json=how == "json")


@dataclass(slots=True)
class _Task:
    total: int
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    shown: float = field(default_factory=time.monotonic)

    def rate(self) -> float:
        return self.done / max(time.monotonic() - self.started, 1e-9)

    def left(self) -> float | None:
        """Seconds left at the rate so far; None when nothing tells."""
        return (self.total - self.done) / self.rate() if self.done and self.total else None


class _Lines:
    """A line when a stage begins, and for tasks that last, one every INTERVAL seconds and at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._tasks: dict[str, _Task] = {}

    def stage(self, name: str) -> None:
        self._print(name, None)

    def begin(self, task: str, total: int) -> None:
        self._tasks[task] = _Task(total)

    def advance(self, task: str, rows: int) -> None:
        one = self._tasks[task]
        one.done += rows
        if time.monotonic() - one.shown >= INTERVAL:
            one.shown = time.monotonic()
            self._print(task, one)

    def end(self, task: str) -> None:
        one = self._tasks.pop(task)
        if time.monotonic() - one.started >= INTERVAL:
            self._print(task, one)

    def _print(self, name: str, task: _Task | None) -> None:
        if self._as_json:
            entry: dict[str, object] = {"task": name}
            if task:
                left = task.left()
                entry |= {
                    "rows": task.done,
                    "total": task.total,
                    "rows_per_second": round(task.rate()),
                    "seconds_left": None if left is None else round(left, 1),
                }
            text = json.dumps(entry)
        elif task:
            left = task.left()
            remaining = "" if left is None else f", {left:.0f} s left"
            text = f"{name}: {task.done:,} of {task.total:,} rows, {task.rate():,.0f} rows/s{remaining}"
        else:
            text = name
        print(text, file=sys.stderr, flush=True)  # noqa: T201  stderr is where progress goes


@contextmanager
def _bars() -> Generator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    class Bars:
        def __init__(self, progress: RichProgress) -> None:
            self._progress = progress
            self._tasks: dict[str, TaskID] = {}

        def stage(self, name: str) -> None:
            self._progress.console.print(name, style="dim")

        def begin(self, task: str, total: int) -> None:
            self._tasks[task] = self._progress.add_task(task, total=total or None, rate="")

        def advance(self, task: str, rows: int) -> None:
            number = self._tasks[task]
            self._progress.advance(number, rows)
            speed = self._progress.tasks[self._progress.task_ids.index(number)].speed
            self._progress.update(number, rate=f"{speed:,.0f} rows/s" if speed else "")

        def end(self, task: str) -> None:
            self._progress.remove_task(self._tasks.pop(task))

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bars(progress)
