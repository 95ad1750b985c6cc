"""A backup while it is made: where its files stand, and what its manifest will say."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from opskit import __version__
from opskit.backup.create_plan import Job
from opskit.backup.encryption import room_for_plain
from opskit.backup.manifest import Manifest, PostgresqlOrigin, SqliteOrigin, TableSum
from opskit.backup.place import Place
from opskit.backup.server import Server
from opskit.backup.shelf import sums, unusable
from opskit.host.scratch import scratch_directory


@dataclass(frozen=True, slots=True)
class Source:
    """Where a PostgreSQL database is dumped from, instead of the application's, and the moment it shows."""

    server: Server
    as_of: datetime


@dataclass(slots=True)
class Draft:
    """A backup while it is made, in directories that go with the process.

    Attributes:
        source: where it is dumped from, when not from the application's database.
        made: becomes the backup.
        plain: where its files are before they are encrypted; `made` when they never are.
        work: beside `plain`, for what is no part of it.
    """

    job: Job
    source: Source | None
    made: Path
    plain: Path
    work: Path
    created: datetime
    begun: float = field(default_factory=time.monotonic)
    origin: SqliteOrigin | PostgresqlOrigin | None = None
    tables: tuple[TableSum, ...] = ()
    versions: dict[str, str] = field(default_factory=lambda: {"opskit": __version__})
    recipients: tuple[str, ...] = ()

    @property
    def copy(self) -> Path:
        """The copy of a SQLite file."""
        return self.work / "copy.db"

    def manifest(self) -> Manifest:
        """What the backup says about itself, once all of its files are there."""
        if self.origin is None:
            raise AssertionError(self.job.id)  # the plan seals what it has made
        return Manifest(
            self.job.id,
            self.job.database,
            self.job.also,
            self.created,
            round(time.monotonic() - self.begun, 1),
            self.job.engine,
            self.origin,
            self.versions,
            self.tables,
            tuple(sums(self.made)),
            self.recipients,
        )


@contextmanager
def drafting(job: Job, place: Place, source: Source | None) -> Generator[Draft]:
    """A backup to be filled, beside those that are there.

    Raises:
        ConfigurationError: the backup directory cannot be used.
    """
    created = source.as_of if source else datetime.now(UTC)
    encrypt = place.configuration.backup.encrypt
    try:
        with (
            scratch_directory(place.shelf.directory) as room,
            scratch_directory(room_for_plain(room, encrypted=encrypt is not None)) as work,
        ):
            made, plain = room / "backup", work / "plain"
            draft = Draft(job, source, made, plain if encrypt else made, work, created)
            for directory in {draft.made, draft.plain}:
                directory.mkdir(mode=0o700)
            yield draft
    except OSError as error:
        raise unusable(place.shelf.directory, error) from error
