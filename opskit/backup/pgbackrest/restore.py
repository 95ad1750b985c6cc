"""Brings the cluster back: facts → plan → aside, looked at, exchanged by renaming."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from opskit.backup.pgbackrest.aside import aside
from opskit.backup.pgbackrest.cluster import Cluster, session
from opskit.backup.pgbackrest.fetch import fetch, held
from opskit.backup.pgbackrest.moments import archive_now
from opskit.backup.pgbackrest.reading import Seen, read
from opskit.backup.pgbackrest.restore_plan import (
    ASIDE,
    COMMAND,
    ArchiveAll,
    Clear,
    Facts,
    Fetch,
    Look,
    Start,
    Step,
    Stop,
    Swap,
    plan_restore,
)
from opskit.backup.pgbackrest.target import Target
from opskit.backup.place import Place
from opskit.backup.room import check_room
from opskit.errors import Refused
from opskit.host.files import FileFailed, sync_directory
from opskit.runs.execute import Found, execute
from opskit.runs.journal import Journal, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress

GO_ON = "run `opskit backup restore` again: it removes what is left"


@dataclass(frozen=True, slots=True)
class Restoring:
    """A restore to be done."""

    cluster: Cluster
    target: Target
    directory: Path
    plan: Plan[Step]

    @property
    def subject(self) -> Path:
        """Where the cluster is afterwards."""
        return next((step.data for step in self.plan.steps if isinstance(step, Swap)), self.directory)

    @property
    def kept(self) -> Path | None:
        """What the present data directory is called afterwards."""
        return next((step.kept for step in self.plan.steps if isinstance(step, Swap)), None)


def restoring(cluster: Cluster, target: Target, into: Path | None) -> Restoring:
    """What is to be done to bring the cluster back.

    Raises:
        Refused: with every reason.
        RepositoryFailed: the repository cannot be asked.
    """
    facts = _facts(cluster, target, into)
    return Restoring(cluster, target, facts.aside, plan_restore(facts, target, datetime.now(UTC)))


def _facts(cluster: Cluster, target: Target, into: Path | None) -> Facts:
    answers = cluster.answers()
    return Facts(
        cluster.name,
        cluster.data,
        into.absolute() if into else None,
        cluster.data.exists(),
        answers,
        _users(cluster) if answers else (),
        cluster.data.with_name(f"{cluster.data.name}{ASIDE}").exists(),
        tuple(_obstacles(cluster, target)),
        into is not None and into.exists(),
        tuple(sorted(set(cluster.databases.values()))),
    )


def _users(cluster: Cluster) -> tuple[str, ...]:
    with session(cluster.server) as connection:
        rows = connection.execute(_SESSIONS).fetchall()
    return tuple(f"{role} ({program})" if program else str(role) for role, program in rows)


_SESSIONS = """
SELECT DISTINCT coalesce(usename, '')::text, coalesce(application_name, '')
FROM pg_catalog.pg_stat_activity
WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_catalog.pg_backend_pid()
  AND application_name NOT LIKE 'opskit%'
ORDER BY 1, 2
"""


def _obstacles(cluster: Cluster, target: Target) -> Sequence[str]:
    found: list[str] = []
    if cluster.data.is_mount():
        found.append(f"{cluster.data} is the root of a file system, which cannot be renamed")
    if cluster.tablespaces(target.backup.label):
        found.append(f"{target.backup.label} has tablespaces, whose directories stand elsewhere")
    return found


def mend(cluster: Cluster, place: Place) -> None:
    """Puts the data directory back that a run killed between its two renames has left under another name.

    Raises:
        FileFailed: it cannot be renamed.
    """
    for run in unfinished(place.runs, COMMAND, cluster.name):
        for kept in run.leaves:
            if kept.exists() and not cluster.data.exists():
                _rename(kept, cluster.data)


def restore(task: Restoring, place: Place, progress: Progress) -> Seen:
    """Brings the cluster back, and returns what was read of it before. The caller holds the state directory.

    Raises:
        Reverted: a step failed; everything is as it was before.
        NeedsAttention: a step failed, and so did putting back.
    """
    cluster = task.cluster
    killed = list(unfinished(place.runs, COMMAND, cluster.name))
    check_room(task.directory.parent, task.target.backup.size, "the restored cluster")
    leaves = [task.kept] if task.kept else []
    with Journal(place.runs, COMMAND, cluster.name, leaves) as journal:
        effects = _Effects(task, progress)
        execute(task.plan, effects, journal, go_on=GO_ON)
    for run in killed:
        abandon(run)
    seen = effects.seen
    return Seen(tuple(t for one in seen for t in one.tables), tuple(t for one in seen for t in one.locked))


@dataclass(frozen=True, slots=True)
class _Effects:
    """The effects of bringing the cluster back."""

    task: Restoring
    progress: Progress
    seen: list[Seen] = field(default_factory=list[Seen])

    def perform(self, step: Step) -> Found:
        """Makes it so; see `Effects`."""
        self.progress.stage(step.title)
        cluster = self.task.cluster
        match step:
            case ArchiveAll():
                archive_now(cluster)
            case Clear():
                _remove(step.directory)
            case Fetch():
                fetch(cluster, step.target, step.directory)
            case Look():
                self.seen[:] = self._look(step)
            case Stop():
                self._stop(step)
            case Swap():
                _swap(step)
            case Start():
                cluster.keeper.start()
            case _:
                assert_never(step)
        return None

    def halt(self) -> None:
        """See `Effects`; steps come one after the other."""

    def revert(self, step: Step) -> None:
        """Puts it back; see `Effects`."""
        cluster = self.task.cluster
        match step:
            case Fetch():
                _remove(step.directory)
            case Stop() if step.ran:
                cluster.keeper.start()
            case Swap():
                _swap_back(step)
            case Start():
                cluster.keeper.stop()
            case _:
                pass

    def _stop(self, step: Stop) -> None:
        """Nobody who has connected meanwhile is thrown out."""
        cluster = self.task.cluster
        if step.ran and (users := _users(cluster)):
            raise Refused.of(
                "target_in_use",
                f"cluster {cluster.name} is in use: {', '.join(users)}",
                hint="stop the application, then run again",
                where=cluster.name,
            )
        cluster.keeper.stop()

    def _look(self, step: Look) -> list[Seen]:
        cluster = self.task.cluster
        directory = self.task.directory
        with aside(cluster.repository, cluster.superuser, directory) as found, held(found, step.target):
            return [read(found.server.named(name), self.progress) for name in step.databases]


def _swap(step: Swap) -> None:
    if step.kept is not None:
        _rename(step.data, step.kept)
    _rename(step.aside, step.data)


def _swap_back(step: Swap) -> None:
    """Wherever it had come to."""
    if not step.aside.exists() and step.data.exists():
        _rename(step.data, step.aside)
    if step.kept is not None and step.kept.exists():
        _rename(step.kept, step.data)


def _rename(old: Path, new: Path) -> None:
    try:
        old.rename(new)
        sync_directory(new.parent)
    except OSError as error:
        raise _failed(old, "renamed", error) from error


def _remove(directory: Path) -> None:
    for one in (directory, directory.with_name(f"{directory.name}.tablespaces")):
        try:
            shutil.rmtree(one)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _failed(one, "removed", error) from error


def _failed(path: Path, done: str, error: OSError) -> FileFailed:
    return FileFailed.of("file_failed", f"{path} cannot be {done}: {error.strerror}", where=str(path))
