"""`migrate --follow`: the watch begins before the file is copied, and changes are brought over afterwards."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opskit.capture.follow import Drained, Follower, drain, follower
from opskit.capture.following import check_may_follow, forget, read_followed
from opskit.capture.watch import begin_watch, end_watch, has_note, is_watched, open_watched
from opskit.errors import Fault, NeedsAttention, OpskitError, Refused
from opskit.migrate import plan as migration
from opskit.migrate.adopt import adopt
from opskit.migrate.facts import Job
from opskit.migrate.session import APPLICATION_NAME, Session
from opskit.runs.execute import Found, execute
from opskit.runs.journal import Journal, abandon, unfinished
from opskit.runs.plan import Plan, Stage
from opskit.runs.progress import Progress
from opskit.transfer.awake import while_awake
from opskit.transfer.target import connect

COMMAND = "migrate --follow"

WITHIN = 1.0
"""Seconds that PostgreSQL may be behind when following comes to rest."""

_ROUNDS = 100
"""Drains after which writers are taken to be quicker."""

_TOLD = (
    "triggers note each row that the application writes in table opskit_changes of its file, in the same"
    " transaction, which costs about a microsecond; `opskit migrate --unfollow` removes all of it"
)


@dataclass(frozen=True, slots=True)
class BeginWatch:
    """Let triggers note which rows of a SQLite file change."""

    database: str
    source: Path

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: watch {self.source} by triggers that note which rows change"


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """How far a database follows; see `Drained`.

    Attributes:
        told: tables and columns that were made, and rules of theirs that were left out.
    """

    name: str
    changes: int
    number: int
    lag: float
    told: tuple[str, ...] = ()


class WatchEffects:
    """Begins watches, and ends them."""

    def perform(self, step: BeginWatch) -> Found:
        """Makes it so; see `Effects`."""
        begin_watch(step.source)
        return None

    def halt(self) -> None:
        """See `Effects`; nothing runs beside the caller."""

    def revert(self, step: BeginWatch) -> None:
        """Puts it back; see `Effects`."""
        end_watch(step.source)


def watch_plan(jobs: Iterable[Job]) -> Plan[BeginWatch]:
    """What is done to the files before they are copied."""
    steps = [BeginWatch(job.name, job.source) for job in jobs]
    names = ", ".join(step.database for step in steps)
    return Plan(COMMAND, names, tuple(Stage((step,)) for step in steps), (_TOLD,) if steps else ())


def are_followed(jobs: Sequence[Job], *, resume: bool) -> bool:
    """Are all databases followed already? Looks also whether they could be.

    Raises:
        Refused: only some are, and nothing is resumed; or the role may not follow.
        ConnectionFailed: a target cannot be reached.
    """
    known = [job.name for job in jobs if _is_followed(job)]
    if known and len(known) < len(jobs) and not resume:
        raise Refused.of(
            "followed_in_part",
            f"{', '.join(known)} is followed already, the rest is not",
            hint="go on with --resume; or run opskit migrate --unfollow, empty the targets, and begin anew",
        )
    return len(known) == len(jobs)


@contextmanager
def watching(jobs: Sequence[Job], runs: Path, *, resume: bool) -> Generator[None]:
    """Begins the watches; when the block fails, they end, unless it can be gone on with.

    Args:
        runs: the directory of the journals.
        resume: watches that stand stay.

    Raises:
        Refused: a file cannot be written.
        NeedsAttention: a watch could not be ended.
    """
    plan = watch_plan(job for job in jobs if not (resume and _is_watched(job.source)))
    about = migration.matter(jobs)
    killed = list(unfinished(runs, COMMAND, about))
    with Journal(runs, COMMAND, about) as journal:
        execute(plan, WatchEffects(), journal, go_on="opskit migrate --unfollow")
    for run in killed:
        abandon(run)
    try:
        yield
    except NeedsAttention:
        raise
    except BaseException as error:
        _end(plan.steps, error)
        raise


def close_killed(jobs: Sequence[Job], runs: Path) -> None:
    """Runs that were killed after they had published everything are over; their backups stay."""
    for command in (COMMAND, migration.COMMAND):
        for run in unfinished(runs, command, migration.matter(jobs)):
            abandon(run)


def check_watched(opened: Iterable[Session]) -> None:
    """Is what changed since each copy noted in the file itself?

    Raises:
        Refused: it is not, because the watch has ended or begun anew since then.
    """
    for session in opened:
        job, number = session.undertaking.job, session.undertaking.last_note
        with open_watched(job.source) as file:
            if number is None or not has_note(file, number):
                raise Refused.of(
                    "watch_lost",
                    f"what changed in {job.source} since the run that was killed is not known",
                    hint="run opskit migrate --follow without --resume",
                    where=str(job.source),
                )


def catch_up(jobs: Sequence[Job], backups: Path, progress: Progress) -> tuple[CaughtUp, ...]:
    """Brings changes over until PostgreSQL is less than a second behind, or writers prove to be quicker.

    Tables and columns that are new in SQLite are made first.

    Args:
        backups: where the file is copied to while what is new is examined.

    Raises:
        Refused: a watch is lost, or tables came or went.
        ConnectionFailed: a target cannot be reached.
        QueryFailed: the server failed on the way.
    """
    return tuple(_caught_up(job, backups, progress) for job in jobs)


def unfollow(jobs: Sequence[Job]) -> bool:
    """Ends watches and forgets how far PostgreSQL has come; what it holds stays. Was there anything?

    Raises:
        Refused: a file cannot be written.
        ConnectionFailed: a target cannot be reached; its file is watched no more.
    """
    return any(list(map(_unfollow, jobs)))


def _unfollow(job: Job) -> bool:
    found = _is_watched(job.source)
    if found:
        end_watch(job.source)
    connection = connect(job.target, APPLICATION_NAME, limit=while_awake(job.target))
    try:
        found = read_followed(connection, job.schema) is not None or found
        forget(connection, job.schema)
    finally:
        connection.close()
    return found


def _is_followed(job: Job) -> bool:
    connection = connect(job.target, APPLICATION_NAME, limit=while_awake(job.target))
    try:
        check_may_follow(connection)
        return read_followed(connection, job.schema) is not None
    finally:
        connection.close()


def _is_watched(source: Path) -> bool:
    with open_watched(source) as file:
        return is_watched(file)


def _end(begun: Iterable[BeginWatch], error: BaseException) -> None:
    for step in begun:
        try:
            end_watch(step.source)
        except OpskitError as failure:
            left = Fault(
                "not_put_back",
                f"{step.source} is still watched: {failure}",
                "opskit migrate --unfollow",
                str(step.source),
            )
            faults = error.faults if isinstance(error, OpskitError) else ()
            raise NeedsAttention(*faults, left) from error


def _caught_up(job: Job, backups: Path, progress: Progress) -> CaughtUp:
    task = f"{job.name}: follow"
    with follower(job.source, job.target, job.schema) as one:
        progress.begin(task, 0)
        told = adopt(one, job, backups)
        found = _until_near(one, lambda rows: progress.advance(task, rows))
        progress.end(task)
    return CaughtUp(job.name, found.changes, found.number, round(found.lag, 3), told)


def _until_near(one: Follower, alive: Callable[[int], None]) -> Drained:
    found = drain(one, alive)
    changes = found.changes
    for _ in range(_ROUNDS):
        if found.lag < WITHIN:
            break
        found = drain(one, alive)
        changes += found.changes
    return Drained(changes, found.number, found.lag)
