"""Ends the way back: what PostgreSQL keeps for it is let go, and the files that followed are removed."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from opskit.capture.slot import drop_slot, publication_exists, read_slot, unpublish
from opskit.errors import QueryFailed
from opskit.runs.plan import Plan, Stage
from opskit.runs.standby_state import Phase, State, read_state, utc, write_state
from opskit.standby.session import SILENCE
from opskit.standby.window import Window
from opskit.transfer.deadlines import Silence
from opskit.transfer.target import Connection, connect, server_words

COMMAND = "standby close"


@dataclass(frozen=True, slots=True)
class DropSlot:
    """Let the log go that is kept for a database."""

    database: str
    slot: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: drop the slot {self.slot}"


@dataclass(frozen=True, slots=True)
class DropPublication:
    """Remove what says which tables are in the log."""

    database: str
    publication: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: drop the publication {self.publication}"


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Remove a file of the standby."""

    database: str
    file: Path

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: remove {self.file}"


@dataclass(frozen=True, slots=True)
class EndWindow:
    """Note that the way back has ended: nothing follows until the application has been on SQLite again."""

    database: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: note that the way back has ended"


Step = DropSlot | DropPublication | RemoveFile | EndWindow


@dataclass(frozen=True, slots=True)
class Remains:
    """What is there of the way back of one database."""

    window: Window
    slot: bool
    publication: bool
    files: tuple[Path, ...]
    ended: bool


def read_remains(window: Window) -> Remains:
    """Looks what is there.

    Raises:
        ConnectionFailed: PostgreSQL cannot be reached: without it the log would be kept for nobody.
        QueryFailed: it refuses, or does not answer.
    """
    file = window.file
    beside = (file.with_name(file.name + suffix) for suffix in ("", "-wal", "-shm", ".partial"))
    with _told(window.database, window.database), _connected(window.reader) as connection:
        slot = read_slot(connection, window.slot) is not None
        publication = publication_exists(connection, window.publication)
    files = tuple(one for one in beside if one.exists())
    ended = read_state(window.status, window.database).phase is Phase.ENDED
    return Remains(window, slot, publication, files, ended)


def plan_close(remains: Sequence[Remains]) -> Plan[Step]:
    """What has to go. PostgreSQL first: a slot that nobody reads fills the disk."""
    databases = ", ".join(one.window.database for one in remains)
    steps = tuple(step for one in remains for step in _steps(one))
    told = ("after this, what PostgreSQL holds does not come back to SQLite",) if steps else ()
    return Plan(COMMAND, databases, tuple(Stage((step,)) for step in steps), told)


def _steps(remains: Remains) -> Iterator[Step]:
    window = remains.window
    if remains.slot:
        yield DropSlot(window.database, window.slot)
    if remains.publication:
        yield DropPublication(window.database, window.publication)
    for file in remains.files:
        yield RemoveFile(window.database, file)
    if not remains.ended:
        yield EndWindow(window.database)


def close(plan: Plan[Step], windows: Sequence[Window]) -> None:
    """Performs the plan; what a failure leaves, the next call closes.

    Raises:
        ConnectionFailed: PostgreSQL cannot be reached.
        QueryFailed: it refuses, because somebody reads the slot or the role may not, or does not answer.
    """
    by_name = {window.database: window for window in windows}
    for step in plan.steps:
        with _told(step.title, step.database):
            _perform(step, by_name[step.database])


def _perform(step: Step, window: Window) -> None:
    match step:
        case DropSlot():
            with _connected(window.reader) as connection:
                drop_slot(connection, step.slot)
        case DropPublication():
            with _connected(window.owner) as connection:
                unpublish(connection, step.publication)
        case RemoveFile():
            step.file.unlink(missing_ok=True)
        case EndWindow():
            why = "the way back was ended by opskit standby close"
            write_state(window.status, State(step.database, Phase.ENDED, utc(datetime.now(UTC)), why=why))


@contextmanager
def _told(what: str, where: str) -> Generator[None]:
    try:
        yield
    except psycopg.Error as error:
        message = f"{what}: {server_words(error)}"
        raise QueryFailed.of("not_closed", message, hint="run again", where=where) from error


def _connected(parameters: Mapping[str, str | int]) -> Connection:
    return connect(parameters, "opskit standby close", limit=Silence(SILENCE))
