"""The flow of a migration: facts of both sides → plan → execution → report."""

import os
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from opskit.capture.watch import last_note
from opskit.migrate.effects import MigrateEffects
from opskit.migrate.existing import typed
from opskit.migrate.existing_facts import read_existing
from opskit.migrate.facts import Job
from opskit.migrate.plan import COMMAND, fitting_workers, matter, plan_migration
from opskit.migrate.report import Report, report
from opskit.migrate.resume import backup_of, keep, resumable
from opskit.migrate.session import Session, open_target
from opskit.migrate.source_facts import open_copy, read_source
from opskit.migrate.stages import copies, publication
from opskit.migrate.steps import Step
from opskit.migrate.target_facts import read_staged, read_target
from opskit.migrate.timeline import read_timeline
from opskit.migrate.undertaking import Undertaking, undertake
from opskit.runs.execute import execute
from opskit.runs.journal import Journal, UnfinishedRun, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress
from opskit.schema.designer import design
from opskit.schema.sqlite_source import copy_source, room_for_copies
from opskit.transfer.backup import discard
from opskit.transfer.refusals import accepted
from opskit.transfer.target import Connection

GO_ON = (
    "once the cause is mended, run the same command again: with --resume it goes on from there, without it"
    " removes what is left in the staging schema"
)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where migrations keep what outlives them."""

    state_dir: Path
    backups: Path

    @property
    def runs(self) -> Path:
        """The directory of the journals."""
        return self.state_dir / "runs"


@contextmanager
def sessions(
    jobs: Sequence[Job], place: Workplace, progress: Progress, *, resume: bool = False
) -> Generator[list[Session]]:
    """Opens both ends of every job and reads their facts. Targets first: they fail sooner.

    Args:
        resume: go on from where a killed run was, if there is one that had come that far.

    Raises:
        ConnectionFailed: a target cannot be reached.
        Busy: another migration is at work in a target.
        Refused: a source cannot be read or copied.
    """
    killed = list(unfinished(place.runs, COMMAND, matter(jobs)))
    standing = {file for run in killed for file in run.leaves if file.exists()}
    run = resumable(killed, standing) if resume else None
    with ExitStack() as stack:
        opened: list[Session] = []
        room = stack.enter_context(room_for_copies(place.backups))
        at = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        for number, job in enumerate(jobs):
            writer = open_target(job)
            stack.callback(writer.close)
            if run is None:
                progress.stage(f"{job.name}: copy of the file")
                copy, backup = room / f"{job.name}.db", place.backups / f"{job.name}-{at}.db"
                copy_source(job.source, copy)
            else:
                copy = backup = run.leaves[number]
            source = open_copy(copy)
            stack.callback(source.close)
            progress.stage(f"{job.name}: profile")
            begun = time.monotonic()
            existing = read_existing(source, writer, job) if job.into_existing else None
            facts = read_source(copy, typed(job, existing), progress)
            profiled = time.monotonic() - begun
            target = read_target(writer, job.schema, job.heir)
            one = _tried(undertake(job, facts, target, backup, existing), writer)
            if job.follow:
                one = replace(one, last_note=last_note(source))
            opened.append(Session(_with_kept(one, writer, run), copy, source, writer, profiled))
            opened[-1].backup = None if run is None else backup_of(run, backup)
            stack.callback(opened[-1].close)
        yield opened


def _tried(one: Undertaking, writer: Connection) -> Undertaking:
    """The undertaking without generated columns that the server refuses."""
    if one.existing is not None:
        return one
    drawn = partial(design, one.source.schema, one.source.choices, one.names)
    return replace(one, design=accepted(writer, drawn))


def _with_kept(one: Undertaking, writer: Connection, run: UnfinishedRun | None) -> Undertaking:
    """The undertaking, knowing what a killed run has done of it."""
    if run is None:
        return one
    staged = read_staged(writer, one.job.schema, one.existing and one.existing.holding)
    return replace(one, kept=keep(one.design, [*copies(one)], publication(one), staged, run))


def plan(opened: Sequence[Session], place: Workplace, workers: int | None = None) -> Plan[Step]:
    """The plan for the opened sessions, in knowledge of runs that were killed.

    Args:
        workers: how many processes copy, build and verify; chosen by size and cores when None.

    Raises:
        Refused: with every reason.
    """
    undertakings = [session.undertaking for session in opened]
    workers = workers or fitting_workers(undertakings, os.cpu_count() or 1)
    return plan_migration(undertakings, workers, _killed(opened, place))


def migrate(opened: Sequence[Session], steps: Plan[Step], place: Workplace, progress: Progress) -> Report:
    """Executes the plan and returns the report. The caller holds the state directory.

    Raises:
        Reverted: a step failed; both sides are as they were.
        NeedsAttention: a step failed and the staging schema could not be removed.
    """
    killed = _killed(opened, place)
    backups = [session.undertaking.backup for session in opened]
    about = matter(session.undertaking.job for session in opened)
    with Journal(place.runs, COMMAND, about, backups) as journal:
        by_name = {session.undertaking.job.name: session for session in opened}
        execute(steps, MigrateEffects(by_name, progress), journal, go_on=GO_ON)
        for run in killed:
            for file in set(run.leaves) - set(backups):
                discard(file)
            abandon(run)
        return report(opened, steps, journal.run, read_timeline(journal.file))


def _killed(opened: Sequence[Session], place: Workplace) -> list[UnfinishedRun]:
    jobs = [session.undertaking.job for session in opened]
    return list(unfinished(place.runs, COMMAND, matter(jobs)))
