"""The flow of provision: wanted and facts → plan → execution → facts again."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from opskit.config import Configuration
from opskit.errors import Fault, NeedsAttention, Refused
from opskit.provision.effects import ProvisionEffects
from opskit.provision.here import Here
from opskit.provision.plan import COMMAND, provision_plan, sees_all
from opskit.provision.reader import read_facts
from opskit.provision.steps import Step
from opskit.provision.wanted import wanted
from opskit.runs.execute import execute
from opskit.runs.journal import Journal, UnfinishedRun, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress

SUBJECT = "this host"
GO_ON = "once the cause is mended, run opskit provision again: it looks at what is there and does the rest"


@dataclass(frozen=True, slots=True)
class Survey:
    """A host as it was found, and what is left to do.

    Attributes:
        complete: False when more may show after the plan, because something could not be asked yet.
    """

    here: Here
    plan: Plan[Step]
    complete: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What a run has done, and what it leaves to be told.

    Attributes:
        plan: all that was executed, also what showed only on the way.
        killed: earlier runs that had not come to their end.
    """

    plan: Plan[Step]
    killed: tuple[UnfinishedRun, ...]

    @property
    def changed(self) -> bool:
        """Was there anything to do?"""
        return bool(self.plan.stages)


def survey(configuration: Configuration) -> Survey:
    """Reads the host and plans; changes nothing.

    Raises:
        Refused: a check says no.
        ConnectionFailed: the server cannot be reached.
        ConfigurationError: the configuration's values do not go together.
    """
    shall = wanted(configuration)
    if shall.cluster is not None and os.geteuid() != 0:
        raise Refused.of("not_root", "only root may look at this host and change it", hint="use sudo")
    here = Here(configuration, shall.cluster)
    facts = read_facts(shall, here)
    return Survey(here, provision_plan(shall, facts), sees_all(shall, facts))


def provision(first: Survey, state_dir: Path, progress: Progress) -> Done:
    """Executes the plan and looks again. The caller holds the state directory.

    Raises:
        Reverted: a step failed, and everything was put back.
        NeedsAttention: it could not be put back, or something is left that was to be done.
    """
    runs = state_dir / "runs"
    killed = tuple(unfinished(runs, COMMAND, SUBJECT))
    stages = first.plan.stages
    last = _executed(first, runs, progress)
    if not first.complete:
        stages += last.plan.stages
        last = _executed(last, runs, progress)
    if last.plan.steps:
        raise NeedsAttention(*(_left(step) for step in last.plan.steps))
    for run in killed:
        abandon(run)
    return Done(replace(last.plan, stages=stages), killed)


def _executed(one: Survey, runs: Path, progress: Progress) -> Survey:
    """The host after it, or as it was when there is nothing to do."""
    if not one.plan.steps:
        return one
    with Journal(runs, COMMAND, SUBJECT) as journal:
        execute(one.plan, ProvisionEffects(one.here, progress), journal, go_on=GO_ON)
    return survey(one.here.configuration)


def _left(step: Step) -> Fault:
    return Fault("not_as_wanted", f"still to do: {step.title} ({'; '.join(step.why)})", GO_ON)
