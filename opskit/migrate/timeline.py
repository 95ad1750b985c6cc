"""When a run did what, read from its journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from opskit.migrate.existing_steps import Commit, Fill
from opskit.migrate.steps import (
    AddRule,
    AddTrigger,
    AddView,
    AnalyzeTable,
    BackUp,
    BuildIndex,
    CopyTable,
    CreateTable,
    Prepare,
    ProveGenerated,
    Publish,
    SetAside,
    SetGenerator,
    Step,
    ValidateRule,
    VerifyTable,
)
from opskit.runs.journal import read_journal

PHASES: Mapping[type[Step], str] = {
    BackUp: "back up",
    Prepare: "create tables",
    CreateTable: "create tables",
    CopyTable: "copy",
    SetAside: "copy",
    ProveGenerated: "copy",
    BuildIndex: "keys, indexes and rules",
    AddRule: "keys, indexes and rules",
    SetGenerator: "keys, indexes and rules",
    ValidateRule: "verify",
    VerifyTable: "verify",
    AnalyzeTable: "verify",
    AddView: "views and triggers",
    AddTrigger: "views and triggers",
    Publish: "publish",
    Fill: "publish",
    Commit: "publish",
}
"""Kind of step → the phase an operator knows it as."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of one database: seconds after the run's start, and seconds it took. Phases may overlap."""

    name: str
    begun: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run from its first to its last moment.

    Attributes:
        steps: step title → when it was begun and done.
    """

    started: datetime
    finished: datetime
    steps: Mapping[str, tuple[datetime, datetime]]

    def phases(self, steps: Sequence[Step]) -> tuple[Phase, ...]:
        """The phases that these steps belong to, each from its first step's begin to its last step's end."""
        spans: dict[str, tuple[datetime, datetime]] = {}
        for step in steps:
            if step.title not in self.steps:
                continue  # done by an earlier run
            begun, done = self.steps[step.title]
            first, last = spans.get(PHASES[type(step)], (begun, done))
            spans[PHASES[type(step)]] = min(first, begun), max(last, done)
        return tuple(
            Phase(name, _seconds(begun - self.started), _seconds(done - begun))
            for name, (begun, done) in sorted(spans.items(), key=lambda span: span[1])
        )


def read_timeline(journal: Path) -> Timeline:
    """The timeline of a run that came to its end."""
    begun: dict[str, datetime] = {}
    steps: dict[str, tuple[datetime, datetime]] = {}
    moments: list[datetime] = []
    for entry in read_journal(journal):
        at, step = datetime.fromisoformat(str(entry["at"])), str(entry.get("step"))
        moments.append(at)
        if entry["event"] == "intent":
            begun[step] = at
        elif entry["event"] == "done":
            steps[step] = begun[step], at
    return Timeline(moments[0], moments[-1], steps)


def _seconds(span: timedelta) -> float:
    return round(span.total_seconds(), 3)
