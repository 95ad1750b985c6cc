"""The flow of a migration: facts of both sides → plan → execution → report."""

import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from opskit.migrate.effects import MigrateEffects
from opskit.migrate.facts import Job
from opskit.migrate.plan import SCHEMA, plan_migration, undertake
from opskit.migrate.report import Report, report
from opskit.migrate.session import Session, open_target
from opskit.migrate.source_facts import open_source, read_source
from opskit.migrate.steps import Step
from opskit.migrate.target_facts import read_target
from opskit.runs.execute import execute
from opskit.runs.journal import Journal, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress
from opskit.transfer.backup import discard

GO_ON = "once the cause is mended, run the same command again: it removes what is left in the staging schema"


@contextmanager
def sessions(jobs: Sequence[Job], backups: Path, progress: Progress) -> Generator[list[Session]]:
    """Opens both ends of every job and reads their facts. Targets first: they fail sooner.

    Raises:
        ConnectionFailed: a target cannot be reached.
        Busy: another migration is at work in a target.
        Refused: a source cannot be read.
    """
    with ExitStack() as stack:
        opened: list[Session] = []
        at = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        for job in jobs:
            writer = open_target(job)
            stack.callback(writer.close)
            source = open_source(job.source)
            stack.callback(source.close)
            target = read_target(writer, SCHEMA)
            progress.stage(f"{job.name}: profile")
            facts = read_source(source, job, progress)
            backup = backups / f"{job.name}-{at}.db"
            session = Session(undertake(job, facts, target, backup), source, writer)
            stack.callback(session.close)
            opened.append(session)
        yield opened


def plan(opened: Sequence[Session]) -> Plan[Step]:
    """The plan for the opened sessions.

    Raises:
        Refused: with every reason.
    """
    return plan_migration([session.undertaking for session in opened])


def migrate(opened: Sequence[Session], steps: Plan[Step], state_dir: Path, progress: Progress) -> Report:
    """Executes the plan and returns the report. The caller holds the state directory.

    Raises:
        Reverted: a step failed; both sides are as they were.
        NeedsAttention: a step failed and the staging schema could not be removed.
    """
    journals = state_dir / "runs"
    killed = list(unfinished(journals, steps.command, steps.subject)) if journals.exists() else []
    started = time.monotonic()
    backups = [session.undertaking.backup for session in opened]
    with Journal(journals, steps.command, steps.subject, backups) as journal:
        effects = MigrateEffects({session.undertaking.job.name: session for session in opened}, progress)
        execute(steps, effects, journal, go_on=GO_ON)
        for run in killed:
            for file in run.leaves:
                discard(file)
            abandon(run)
        return report(opened, steps, journal.run, time.monotonic() - started)
