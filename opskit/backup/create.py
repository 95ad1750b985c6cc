"""Makes backups: facts → plans → execution. Each has a plan of its own: the failure of one costs no other."""

import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

import apsw

from opskit.backup.create_plan import (
    COMMAND,
    CheckCopy,
    Compress,
    CopyFile,
    Dump,
    Encrypt,
    Job,
    Seal,
    Step,
    TakeDigests,
    jobs,
    plan_create,
)
from opskit.backup.draft import Draft, Source, drafting
from opskit.backup.encryption import encrypt_files, recipients
from opskit.backup.manifest import Damaged, Manifest, SqliteOrigin
from opskit.backup.place import Place
from opskit.backup.postgresql_dump import dump
from opskit.backup.server import reading_server
from opskit.backup.shelf import unusable
from opskit.backup.sqlite_content import obvious_faults, table_sums
from opskit.backup.sqlite_copy import COMPRESSED, compress, journal_mode
from opskit.backup.status import tell_created
from opskit.config import engine_in_use
from opskit.errors import NeedsAttention, OpskitError
from opskit.runs.execute import Found, execute
from opskit.runs.journal import Journal, abandon, unfinished
from opskit.runs.plan import Plan
from opskit.runs.progress import Progress
from opskit.schema.own import CHANGES
from opskit.schema.sqlite_file import open_read_only, refusal, rows
from opskit.schema.sqlite_source import copy_source

GO_ON = "run `opskit backup create` again: it removes what is left"


@dataclass(frozen=True, slots=True)
class Undertaking:
    """A backup to be made, and how.

    Attributes:
        source: None: what the application uses, as of the moment it is made.
    """

    job: Job
    plan: Plan[Step]
    source: Source | None = None


def undertakings(place: Place, names: Sequence[str]) -> tuple[Undertaking, ...]:
    """What is to be done for some databases of the configuration.

    Raises:
        ConfigurationError: the backup directory or the keys cannot be read, or DATABASE_TYPE is no engine.
        Refused: age is wanted and not installed.
    """
    engine, encrypt = engine_in_use(place.configuration), place.configuration.backup.encrypt
    keys = recipients(encrypt) if encrypt else ()
    taken = frozenset(one.id for one in place.shelf.backups())
    found = jobs(place.configuration, engine, names, datetime.now(UTC), taken)
    return tuple(Undertaking(job, plan_create(job, place.configuration, keys)) for job in found)


@dataclass(frozen=True, slots=True)
class Created:
    """What came of it; `failures` holds what could not be made."""

    made: tuple[Manifest, ...]
    failures: tuple[OpskitError, ...]


def create(tasks: Sequence[Undertaking], place: Place, progress: Progress) -> Created:
    """Makes the backups. The caller holds the state directory.

    Raises:
        ConfigurationError: the backup directory cannot be used.
        NeedsAttention: something was left behind that could not be removed.
    """
    place.shelf.prepare()
    results = [_attempt(task, place, progress) for task in tasks]
    return Created(
        tuple(one for one in results if isinstance(one, Manifest)),
        tuple(one for one in results if isinstance(one, OpskitError)),
    )


def _attempt(task: Undertaking, place: Place, progress: Progress) -> Manifest | OpskitError:
    begun = time.monotonic()
    try:
        result = _create_one(task, place, progress)
    except NeedsAttention:
        raise
    except OpskitError as error:
        result = error
    tell_created(place, task.job, result, time.monotonic() - begun)
    return result


def _create_one(task: Undertaking, place: Place, progress: Progress) -> Manifest:
    killed = list(unfinished(place.runs, COMMAND, task.plan.subject))
    with drafting(task.job, place, task.source) as draft:
        with Journal(place.runs, COMMAND, task.plan.subject) as journal:
            execute(task.plan, _Effects(place, draft, progress), journal, go_on=GO_ON)
        for run in killed:  # what they left went with their scratch directories
            abandon(run)
    made = place.shelf.backup(task.job.id)
    if made.manifest is None:
        raise Damaged.of("backup_damaged", f"{made.id} reads back otherwise: {made.damage}", where=made.id)
    return made.manifest


class _Effects:
    """The effects of making one backup."""

    def __init__(self, place: Place, draft: Draft, progress: Progress) -> None:
        self._place = place
        self._draft = draft
        self._progress = progress

    def perform(self, step: Step) -> Found:
        """Makes it so; see `Effects`."""
        self._progress.stage(step.title)
        try:
            self._perform(step)
        except OSError as error:
            raise unusable(self._place.shelf.directory, error) from error
        return None

    def halt(self) -> None:
        """See `Effects`; what runs beside a failed step ends by itself, and soon."""

    def revert(self, step: Step) -> None:
        """Puts it back; see `Effects`. All but a finished backup goes with the room."""
        if isinstance(step, Seal):
            try:
                self._place.shelf.take_away(step.id)
            except OSError as error:
                raise unusable(self._place.shelf.directory, error) from error

    def _perform(self, step: Step) -> None:
        draft = self._draft
        match step:
            case CopyFile():
                copy_source(step.file, draft.copy, lasting=False)
                _take_watch_out(draft.copy)
            case CheckCopy():
                with _told_as_sources(draft):
                    _demand_sound(draft)
            case TakeDigests():
                with _told_as_sources(draft):
                    draft.tables = table_sums(draft.copy, self._progress)
                draft.origin = _origin(Path(draft.job.source), draft.copy)
            case Compress():
                draft.versions["zstd"] = compress(draft.copy, draft.plain / COMPRESSED)
            case Dump():
                self._dump(step)
            case Encrypt():
                self._encrypt(step)
            case Seal():
                self._place.shelf.put(draft.made, draft.manifest())
            case _:
                assert_never(step)

    def _dump(self, step: Dump) -> None:
        draft = self._draft
        given = draft.source and draft.source.server
        server = given or reading_server(self._place.configuration, step.database)
        dumped = dump(server, draft.plain, step.jobs, self._progress)
        draft.origin, draft.tables = dumped.origin, dumped.tables
        draft.versions |= {"server": dumped.server_version, "pg_dump": str(dumped.origin.programs)}

    def _encrypt(self, step: Encrypt) -> None:
        draft, encrypt = self._draft, self._place.configuration.backup.encrypt
        if encrypt is None:
            raise AssertionError(step)  # the plan encrypts as configured
        draft.versions["age"] = encrypt_files(draft.plain, draft.made, encrypt, draft.work / "age.log")
        draft.recipients = step.recipients


def _take_watch_out(copy: Path) -> None:
    """What opskit notes in a followed file would be of another time, brought back."""
    with closing(open_read_only(copy)) as reader:
        followed = rows(reader, "SELECT 1 FROM sqlite_schema WHERE name = ?", (CHANGES,))
    if followed:
        from opskit.capture.watch import end_watch  # takes the translation of SQL with it: 0.2 s

        end_watch(copy)


def _origin(source: Path, copy: Path) -> SqliteOrigin:
    return SqliteOrigin(str(source), copy.stat().st_size, journal_mode(source))


def _demand_sound(draft: Draft) -> None:
    draft.versions["sqlite"] = apsw.sqlite_lib_version()
    source, found = draft.job.source, obvious_faults(draft.copy)
    if found:
        raise Damaged.of(
            "sqlite_corrupt",
            f"the SQLite file {source} is corrupt: {'; '.join(found)}",
            hint=f"keep its backups (`opskit backup pin ID`), and recover it: sqlite3 {source} .recover",
            where=source,
        )


@contextmanager
def _told_as_sources(draft: Draft) -> Generator[None]:
    """What SQLite cannot read in the copy, it cannot in the source."""
    try:
        yield
    except apsw.Error as error:
        raise refusal(Path(draft.job.source), error) from error
