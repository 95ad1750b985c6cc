"""What is looked at for the page. What cannot be looked at is told, and holds nobody up."""

import http.client
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from opskit.capture.following import read_followed
from opskit.capture.position import Slot
from opskit.capture.slot import read_slot
from opskit.capture.watch import last_note
from opskit.config import Configuration, Engine
from opskit.errors import OpskitError
from opskit.runs.backup_status import FILE, BackupStatus, StatusDamaged, load_status
from opskit.runs.engine_record import Record, read_record
from opskit.runs.journal import UnfinishedRun, last_finished, unfinished
from opskit.runs.rehearsal import Rehearsal, read_rehearsals
from opskit.runs.standby_state import State, read_state
from opskit.status.sql import query
from opskit.switch.environment import environment_engine
from opskit.switch.facts import SideFacts, read_facts
from opskit.switch.plan import CUTOVER, ROLLBACK
from opskit.switch.postgresql_fence import session
from opskit.switch.sides import Side, sides
from opskit.switch.sqlite_fence import look
from opskit.transfer.target import Connection

MIGRATE = "migrate"

_EXPORTER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Contents:
    """A PostgreSQL database.

    Attributes:
        size: bytes.
        tables: how many the schema has.
    """

    size: int
    tables: int


@dataclass(frozen=True, slots=True)
class Following:
    """A schema that follows a SQLite file.

    Attributes:
        waiting: changes that have not been brought over; None when the file does not tell.
    """

    source: str
    waiting: int | None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """One database.

    Attributes:
        sqlite_bytes: of the file and its log; None when they are not there.
        migrated: when a migration of it came to its end last, as this host knows.
        contents: None when PostgreSQL does not answer, or has no such role or schema.
        slot: what PostgreSQL keeps for the standby, None when it keeps nothing.
        backups: None when what is told of them cannot be understood.
    """

    side: SideFacts
    sqlite_bytes: int | None
    migrated: datetime | None
    contents: Contents | None
    slot: Slot | None
    following: Following | None
    backups: BackupStatus | None
    standby: State
    rehearsal: Rehearsal | None

    @property
    def name(self) -> str:
        """As it is configured."""
        return self.side.name


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything.

    Attributes:
        engine: what the application's `.env` says.
        record: what the last switch noted.
        runs: switches that did not come to their end.
        exporter: where it listens, and `silent`: why it does not answer there, empty when it does.
    """

    engine: Engine
    record: Record | None
    runs: tuple[UnfinishedRun, ...]
    databases: tuple[DatabaseFacts, ...]
    exporter: str
    silent: str


def read_all(configuration: Configuration, state_dir: Path) -> Facts:
    """Looks at everything.

    Raises:
        ConfigurationError: a secret or the `.env` cannot be read.
        Refused: what opskit has noted may not be read.
    """
    found = tuple(sides(configuration, state_dir))
    rehearsals, backups = read_rehearsals(state_dir), _read_backups(state_dir)
    listen = configuration.exporter.listen
    return Facts(
        environment_engine(configuration),
        read_record(state_dir),
        tuple(_open_runs(state_dir, found)),
        tuple(_database(one, state_dir, backups, rehearsals.get(one.name)) for one in found),
        listen,
        _silent(listen),
    )


def _open_runs(state_dir: Path, found: Sequence[Side]) -> Iterator[UnfinishedRun]:
    subject = ", ".join(one.name for one in found)
    for command in (CUTOVER, ROLLBACK):
        yield from unfinished(state_dir / "runs", command, subject)


def _database(
    side: Side, state_dir: Path, backups: bytes | None, rehearsal: Rehearsal | None
) -> DatabaseFacts:
    facts = read_facts(side)
    contents, slot, following = (None, None, None) if facts.unreachable else _postgresql(side)
    return DatabaseFacts(
        facts,
        _bytes(side.file),
        last_finished(state_dir / "runs", MIGRATE, str(side.window.source.absolute())),
        contents,
        slot,
        following,
        _backups_of(backups, side.name),
        read_state(side.window.status, side.name),
        rehearsal,
    )


def _postgresql(side: Side) -> tuple[Contents | None, Slot | None, Following | None]:
    try:
        with session(side.window.owner, side.name) as connection:
            with connection.cursor(row_factory=class_row(Contents)) as cursor:
                contents = cursor.execute(query("contents"), {"schema": side.shut.schema}).fetchone()
            return contents, read_slot(connection, side.window.slot), _following(connection, side)
    except OpskitError:  # it has answered a moment ago
        return None, None, None


def _following(connection: Connection, side: Side) -> Following | None:
    try:
        followed = read_followed(connection, side.shut.schema)
    except psycopg.errors.InsufficientPrivilege:
        return None
    if followed is None:
        return None
    last = _last_note(side.file)
    return Following(followed.source, None if last is None else max(0, last - followed.number))


def _last_note(file: Path) -> int | None:
    try:
        return look(file, last_note)
    except OpskitError:  # its own line says what is wrong with the file
        return None


def _bytes(file: Path) -> int | None:
    try:
        log = file.with_name(f"{file.name}-wal")
        return file.stat().st_size + (log.stat().st_size if log.exists() else 0)
    except OSError:
        return None


def _read_backups(state_dir: Path) -> bytes | None:
    try:
        return (state_dir / FILE).read_bytes()
    except FileNotFoundError:
        return b"{}"
    except OSError:
        return None


def _backups_of(told: bytes | None, name: str) -> BackupStatus | None:
    try:
        return None if told is None else load_status(told, name)
    except StatusDamaged:
        return None


def _silent(listen: str) -> str:
    """Why the exporter does not answer; empty when it does."""
    host, _, port = listen.rpartition(":")
    try:
        asked = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=_EXPORTER_SECONDS)
        with closing(asked):
            asked.request("GET", "/-/healthy")
            answer = asked.getresponse()
            return "" if answer.status == http.client.OK else f"it answers {answer.status}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error)
