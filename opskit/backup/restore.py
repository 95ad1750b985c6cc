"""Restores a backup: facts → plan → execution. What is live is only ever replaced by a rename."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, assert_never

import apsw

from opskit.backup.checking import different_tables, file_problems
from opskit.backup.encryption import check_key, readable
from opskit.backup.manifest import Damaged, Manifest, PostgresqlOrigin, SqliteOrigin, TableSum
from opskit.backup.place import Place
from opskit.backup.restore_plan import (
    COMMAND,
    CheckFiles,
    Clear,
    Compare,
    Facts,
    Fill,
    Step,
    Swap,
    aside_name,
    plan_restore,
)
from opskit.backup.restore_postgresql import DatabaseAside
from opskit.backup.restore_sqlite import FileAside, sqlite_there, tidy
from opskit.backup.server import administering_server
from opskit.backup.shelf import Backup
from opskit.config import Encrypt, engine_in_use
from opskit.errors import OpskitError, Refused
from opskit.host.scratch import scratch_directory
from opskit.runs.execute import Found, execute
from opskit.runs.journal import Journal, UnfinishedRun, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress

GO_ON = "run `opskit backup restore` again: it removes what is left"


class Aside(Protocol):
    """Where a backup is restored to, before it takes the place of something else."""

    def discard(self) -> None:
        """Removes it, if it is there."""
        ...

    def fill(self, directory: Path, jobs: int) -> tuple[str, ...]:
        """Restores the backup in a directory into it, and says what is wrong with that.

        Raises:
            OpskitError: it cannot be restored.
        """
        ...

    def sums(self, progress: Progress) -> tuple[TableSum, ...]:
        """Rows and digest of each of its tables."""
        ...

    def swap(self, kept: str | None) -> None:
        """Puts it in its place; what was there is called `kept` from then on, None when there was nothing.

        Raises:
            Refused: what is there is in use.
            OpskitError: it failed.
        """
        ...

    def swap_back(self, kept: str | None) -> None:
        """Undoes that, wherever it had come to."""
        ...


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file to restore to, and what the backup was taken from."""

    file: Path
    origin: SqliteOrigin


@dataclass(frozen=True, slots=True)
class Restoring:
    """A restore to be done: of what, to where, in which steps."""

    backup: Backup
    manifest: Manifest
    target: FileTarget | DatabaseAside
    plan: Plan[Step]

    @property
    def kept(self) -> str | None:
        """What the present file or database is called afterwards; None when there is none."""
        return next((step.kept for step in self.plan.steps if isinstance(step, Swap)), None)


def restoring(place: Place, name: str, into: str | None) -> Restoring:
    """What is to be done to restore a backup.

    Args:
        into: another file or database than the application's own.

    Raises:
        Refused: with every reason; or the backup is encrypted, and no key is configured.
        ConnectionFailed: the server cannot be reached.
        ConfigurationError: the configuration does not know the database.
    """
    backup = place.shelf.backup(name)
    manifest = backup.manifest
    if manifest is None:
        raise Refused.of(
            "backup_damaged", f"{name} is damaged: {backup.damage}", hint="restore another", where=name
        )
    check_key(manifest, place.configuration.backup.encrypt)
    match manifest.origin:
        case SqliteOrigin() as origin:
            target = FileTarget(_file(place, manifest, into), origin)
            called, there = str(target.file), sqlite_there(target.file)
        case PostgresqlOrigin() as origin:
            server = administering_server(place.configuration, manifest.database)
            called = into or server.database
            is_begun = any(unfinished(place.runs, COMMAND, called))
            target = DatabaseAside(server, called, aside_name(called), origin, is_begun)
            there = target.there()
    facts = Facts(manifest, called, into is None, engine_in_use(place.configuration), there)
    plan = plan_restore(facts, place.configuration.backup.jobs, datetime.now(UTC))
    return Restoring(backup, manifest, target, plan)


def _file(place: Place, manifest: Manifest, into: str | None) -> Path:
    if into is not None:
        return Path(into).resolve()
    database = place.configuration.databases.get(manifest.database)
    if database is None:
        raise Refused.of(
            "unknown_database",
            f"the configuration names no database {manifest.database}",
            hint="restore it with --into",
            where=manifest.database,
        )
    return database.sqlite.resolve()  # a rename must not replace a link


def restore(task: Restoring, place: Place, progress: Progress) -> None:
    """Restores a backup. The caller holds the state directory.

    Raises:
        Reverted: a step failed; everything is as it was before.
        NeedsAttention: a step failed, and so did putting back.
    """
    killed = list(unfinished(place.runs, COMMAND, task.plan.subject))
    leaves = [Path(task.kept)] if task.kept else []
    with place.shelf.using(task.backup.id), _aside(task) as aside:
        for run in killed:
            _tidy(task.target, run)
        with Journal(place.runs, COMMAND, task.plan.subject, leaves) as journal:
            effects = _Effects(task, aside, place.configuration.backup.encrypt, progress)
            execute(task.plan, effects, journal, go_on=GO_ON)
    for run in killed:
        abandon(run)


@contextmanager
def _aside(task: Restoring) -> Generator[Aside]:
    target = task.target
    if isinstance(target, DatabaseAside):
        yield target
        return
    try:
        with scratch_directory(target.file.parent) as room:
            yield FileAside(target.file, target.origin, room)
    except OSError as error:
        raise _failed(task, error) from error


def _tidy(target: FileTarget | DatabaseAside, run: UnfinishedRun) -> None:
    """A database that a killed run has left is a step of the plan; a second name of a file is none."""
    if isinstance(target, FileTarget):
        for kept in run.leaves:
            tidy(target.file, kept)


@dataclass(frozen=True, slots=True)
class _Effects:
    """The effects of restoring one backup."""

    task: Restoring
    aside: Aside
    encrypt: Encrypt | None
    progress: Progress

    def perform(self, step: Step) -> Found:
        """Makes it so; see `Effects`."""
        self.progress.stage(step.title)
        try:
            self._perform(step)
        except (OSError, apsw.Error) as error:
            raise _failed(self.task, error) from error
        return None

    def halt(self) -> None:
        """See `Effects`; steps come one after the other."""

    def revert(self, step: Step) -> None:
        """Puts it back; see `Effects`."""
        try:
            match step:
                case Fill():
                    self.aside.discard()
                case Swap():
                    self.aside.swap_back(step.kept)
                case _:
                    pass
        except OSError as error:
            raise _failed(self.task, error) from error

    def _perform(self, step: Step) -> None:
        task = self.task
        match step:
            case CheckFiles():
                _demand(task, file_problems(task.backup.directory, task.manifest))
            case Clear():
                self.aside.discard()
            case Fill():
                with readable(task.backup.directory, task.manifest, self.encrypt) as directory:
                    _demand(task, self.aside.fill(directory, step.jobs))
            case Compare():
                _demand(task, different_tables(task.manifest.tables, self.aside.sums(self.progress)))
            case Swap():
                self.aside.swap(step.kept)
            case _:
                assert_never(step)


def _demand(task: Restoring, problems: Sequence[str]) -> None:
    if problems:
        raise Damaged.of(
            "backup_damaged",
            f"{task.backup.id}: {'; '.join(problems)}",
            hint="restore another; `opskit backup list` shows which are sound",
            where=task.backup.id,
        )


def _failed(task: Restoring, error: OSError | apsw.Error) -> OpskitError:
    target = task.plan.subject
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return OpskitError.of(
        "restore_failed", f"{target}: {reason}", hint="see the message, then run again", where=target
    )
