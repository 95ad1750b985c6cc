"""The flow of a migration: facts of both sides → plan → execution → report."""

import os
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from opskit.migrate.effects import MigrateEffects
from opskit.migrate.facts import Job
from opskit.migrate.plan import COMMAND, fitting_workers, plan_migration, subject
from opskit.migrate.report import Report, report
from opskit.migrate.session import Session, open_target
from opskit.migrate.source_facts import open_source, read_source
from opskit.migrate.steps import Step
from opskit.migrate.target_facts import read_target
from opskit.migrate.timeline import read_timeline
from opskit.migrate.undertaking import undertake
from opskit.runs.execute import execute
from opskit.runs.journal import Journal, UnfinishedRun, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress
from opskit.schema.sqlite_source import room_for_copies
from opskit.transfer.backup import discard

RUNS = "runs"
"""Where the journals are, in the state directory."""

GO_ON = "once the cause is mended, run the same command again: it removes what is left in the staging schema"


@contextmanager
def sessions(jobs: Sequence[Job], backups: Path, progress: Progress) -> Generator[list[Session]]:
    """Opens both ends of every job and reads their facts. Targets first: they fail sooner.

    Raises:
        ConnectionFailed: a target cannot be reached.
        Busy: another migration is at work in a target.
        Refused: a source cannot be read or copied.
    """
    with ExitStack() as stack:
        opened: list[Session] = []
        copies = stack.enter_context(room_for_copies(backups))
        at = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        for job in jobs:
            writer = open_target(job)
            stack.callback(writer.close)
            progress.stage(f"{job.name}: copy of the file")
            copy = copies / f"{job.name}.db"
            source = open_source(job.source, copy)
            stack.callback(source.close)
            target = read_target(writer, job.schema)
            progress.stage(f"{job.name}: profile")
            begun = time.monotonic()
            facts = read_source(source, copy, job, progress)
            profiled = time.monotonic() - begun
            backup = backups / f"{job.name}-{at}.db"
            session = Session(undertake(job, facts, target, backup), copy, source, writer, profiled)
            stack.callback(session.close)
            opened.append(session)
        yield opened


def plan(opened: Sequence[Session], state_dir: Path, workers: int | None = None) -> Plan[Step]:
    """The plan for the opened sessions, in knowledge of runs that were killed.

    Args:
        workers: how many processes copy, build and verify; chosen by size and cores when None.

    Raises:
        Refused: with every reason.
    """
    undertakings = [session.undertaking for session in opened]
    workers = workers or fitting_workers(undertakings, os.cpu_count() or 1)
    return plan_migration(undertakings, workers, _killed(state_dir, subject(undertakings)))


def migrate(opened: Sequence[Session], steps: Plan[Step], state_dir: Path, progress: Progress) -> Report:
    """Executes the plan and returns the report. The caller holds the state directory.

    Raises:
        Reverted: a step failed; both sides are as they were.
        NeedsAttention: a step failed and the staging schema could not be removed.
    """
    killed = _killed(state_dir, steps.subject)
    backups = [session.undertaking.backup for session in opened]
    with Journal(state_dir / RUNS, COMMAND, steps.subject, backups) as journal:
        by_name = {session.undertaking.job.name: session for session in opened}
        workers = max(stage.at_once for stage in steps.stages)
        effects = MigrateEffects(by_name, progress, workers)
        execute(steps, effects, journal, go_on=GO_ON)
        for run in killed:
            for file in run.leaves:
                discard(file)
            abandon(run)
        return report(opened, steps, journal.run, read_timeline(journal.file))


def _killed(state_dir: Path, databases: str) -> list[UnfinishedRun]:
    return list(unfinished(state_dir / RUNS, COMMAND, databases))
