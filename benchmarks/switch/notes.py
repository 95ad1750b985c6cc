"""What the application and the journals have noted, put together: how long nobody could write."""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from benchmarks.switch.writes import TABLES, WRITERS


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a writer's notes; `at` in seconds of CLOCK_MONOTONIC."""

    kind: str
    at: float
    engine: str
    number: int
    writer: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a switch, from its journal; `begun` in seconds of CLOCK_MONOTONIC."""

    title: str
    begun: float
    seconds: float


def notes_of(application: Path, name: str, writer: int) -> Iterator[Note]:
    """All notes of a writer, oldest first."""
    with (application / f"notes-{name}-{writer}").open() as file:
        for line in file:
            kind, at, engine, number = line.split()
            yield Note(kind, int(at) / 1e9, engine, int(number), f"{name} {writer}")


def all_notes(application: Path) -> list[Note]:
    """The notes of all writers, oldest first."""
    found = (
        one for name in TABLES for writer in range(WRITERS) for one in notes_of(application, name, writer)
    )
    return sorted(found, key=lambda one: one.at)


def steps_of(state: Path, command: str) -> list[Step]:
    """The steps of the last run of a command."""
    ahead = time.monotonic() - time.time()
    for file in sorted((state / "runs").glob("*.jsonl"), reverse=True):
        entries = [json.loads(line) for line in file.read_text().splitlines()]
        if entries[0].get("command") == command:
            begun = {one["step"]: _moment(one) for one in entries if one["event"] == "intent"}
            done = {one["step"]: _moment(one) for one in entries if one["event"] == "done"}
            return [Step(title, at + ahead, done[title] - at) for title, at in begun.items()]
    raise SystemExit(f"there is no journal of {command}")


def _moment(entry: dict[str, str]) -> float:
    return datetime.fromisoformat(entry["at"]).timestamp()


def pause(application: Path, to: str, switch: tuple[float, float]) -> dict[str, float]:
    """How long nobody could write, in seconds.

    `gap`: from the last write that the old side acknowledged to the first on the new one. `restart`: what of
    it was the application's own: until it had stopped, and from the call of its start until its first try.
    `pause`: the rest.

    Args:
        to: the engine that is switched to.
        switch: when the command began and ended.
    """
    begun, ended = switch
    notes = [one for one in all_notes(application) if begun < one.at < ended + 60]
    tried = min(one.at for one in notes if one.kind == "try" and one.engine == to)
    first = min(one.at for one in notes if one.kind == "done" and one.engine == to)
    last = max(one.at for one in notes if one.kind == "done" and one.engine != to)
    commands = [line.split() for line in (application / "commands").read_text().splitlines()]
    stopped = max(int(end) / 1e9 for what, _, end in commands if what == "stop" and int(end) / 1e9 < first)
    called = max(
        int(start) / 1e9 for what, start, _ in commands if what == "start" and int(start) / 1e9 < first
    )
    restart = max(0.0, stopped - last) + tried - called
    return {"gap": first - last, "restart": restart, "pause": first - last - restart}


def rate(notes: Sequence[Note], begun: float, ended: float) -> dict[str, float]:
    """How the application wrote between two moments; `longest_wait`: of a single writer, in seconds."""
    done = [one for one in notes if one.kind == "done" and begun < one.at < ended]
    times: dict[str, list[float]] = {}
    for one in done:
        times.setdefault(one.writer, [begun]).append(one.at)
    waits = (later - earlier for some in times.values() for earlier, later in pairwise([*some, ended]))
    return {
        "writes_per_second": len(done) / (ended - begun),
        "longest_wait": max(waits, default=ended - begun),
    }


def median(values: Sequence[float]) -> float:
    """The median, to the millisecond."""
    return round(statistics.median(values), 3)
