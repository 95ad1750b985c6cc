"""Decides what `backup create` does. Pure: configuration and facts in, a plan for each backup out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opskit.backup.manifest import free_id
from opskit.config import Configuration, Engine
from opskit.runs.plan import Plan, Stage

COMMAND = "backup create"


@dataclass(frozen=True, slots=True)
class Job:
    """One backup to be made.

    Attributes:
        also: further databases of the configuration that the same PostgreSQL database holds.
        source: the file, or host:port/database.
    """

    id: str
    database: str
    also: tuple[str, ...]
    engine: Engine
    source: str


@dataclass(frozen=True, slots=True)
class CopyFile:
    """Copies what a SQLite database holds at one moment, without what opskit notes in it while it follows."""

    database: str
    file: Path

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"{self.database}: copy {self.file} as of one moment"


@dataclass(frozen=True, slots=True)
class CheckCopy:
    """Lets SQLite check the copy's pages, and counts the entries of its indexes."""

    database: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"{self.database}: let SQLite check the copy"


@dataclass(frozen=True, slots=True)
class TakeDigests:
    """Takes rows and digest of each table of the copy."""

    database: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"{self.database}: take rows and digest of every table"


@dataclass(frozen=True, slots=True)
class Compress:
    """Compresses the copy."""

    database: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"{self.database}: compress the copy"


@dataclass(frozen=True, slots=True)
class Dump:
    """Dumps a PostgreSQL database, and takes rows and digest of each of its tables in the same snapshot."""

    database: str
    place: str
    jobs: int

    @property
    def title(self) -> str:
        """See `Step`."""
        return (
            f"{self.database}: dump {self.place}, with rows and digest of every table as of the same moment"
        )


@dataclass(frozen=True, slots=True)
class Encrypt:
    """Encrypts every file for the holders of some keys.

    Attributes:
        recipients: their public keys.
    """

    database: str
    recipients: tuple[str, ...]

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"{self.database}: encrypt every file to {', '.join(self.recipients)}"


@dataclass(frozen=True, slots=True)
class Seal:
    """Writes the manifest and puts the backup in its place, once the disk has all of it."""

    database: str
    id: str

    @property
    def title(self) -> str:
        """See `Step`."""
        return f"{self.database}: write the manifest and put {self.id} in its place"


Step = CopyFile | CheckCopy | TakeDigests | Compress | Dump | Encrypt | Seal


def jobs(
    configuration: Configuration,
    engine: Engine,
    names: Sequence[str],
    at: datetime,
    taken: frozenset[str],
) -> tuple[Job, ...]:
    """The backups of some databases: one for each file, or for each PostgreSQL database they are in.

    Args:
        taken: the names that backups have.
    """
    if engine is Engine.SQLITE:
        files = {name: str(configuration.databases[name].sqlite) for name in names}
        return tuple(Job(free_id(name, at, taken), name, (), engine, files[name]) for name in names)
    shared: dict[str, list[str]] = {}
    places = {name: _server_database(configuration, name) for name in configuration.databases}
    for name, where in places.items():
        shared.setdefault(where, []).append(name)
    wanted = {places[name]: None for name in names}
    return tuple(
        Job(free_id(first, at, taken), first, tuple(also), engine, where)
        for where, (first, *also) in ((where, shared[where]) for where in wanted)
    )


def _server_database(configuration: Configuration, name: str) -> str:
    """host:port/database of a database of the configuration."""
    one, server = configuration.databases[name], configuration.postgresql
    return f"{one.host or server.host}:{one.port or server.port}/{one.postgresql}"


def plan_create(job: Job, configuration: Configuration, recipients: tuple[str, ...] = ()) -> Plan[Step]:
    """The steps of one backup.

    Args:
        recipients: the public keys to encrypt to; none: it is not encrypted.
    """
    told = (
        (f"it also holds {', '.join(job.also)}: they are in the same PostgreSQL database",)
        if job.also
        else ()
    )
    making: tuple[Stage[Step], ...] = (
        (
            Stage((CopyFile(job.database, Path(job.source)),)),
            Stage((Compress(job.database), CheckCopy(job.database), TakeDigests(job.database)), at_once=3),
        )
        if job.engine is Engine.SQLITE
        else (Stage((Dump(job.database, job.source, configuration.backup.jobs),)),)
    )
    hiding: tuple[Stage[Step], ...] = (Stage((Encrypt(job.database, recipients),)),) if recipients else ()
    return Plan(COMMAND, job.database, (*making, *hiding, Stage((Seal(job.database, job.id),))), told)
