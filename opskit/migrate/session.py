"""What one database's migration holds open, and what it has found out so far."""

from dataclasses import dataclass, field
from pathlib import Path

import apsw

from opskit.errors import OpskitError
from opskit.migrate.facts import Job
from opskit.migrate.plan import Undertaking
from opskit.migrate.staging import lock_target
from opskit.schema.sqlite_file import open_read_only
from opskit.transfer.backup import SqliteCopy, keep
from opskit.transfer.digest import Digest
from opskit.transfer.functions import register
from opskit.transfer.target import Connection, connect

APPLICATION_NAME = "opskit migrate"


@dataclass(slots=True)
class CopiedTable:
    """What copying one table took and gave."""

    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    digest: Digest = field(default_factory=Digest)
    verified: bool = False


@dataclass(slots=True)
class Session:
    """One database under migration.

    Attributes:
        copy: the source as of one moment, in a directory that goes with us; the backup step keeps it.
        reader: reads the copy.
        profiled: seconds that reading the source's facts took.
        told: what was found out on the way that the operator must know.
    """

    undertaking: Undertaking
    copy: Path
    reader: apsw.Connection
    writer: Connection
    profiled: float
    tables: dict[str, CopiedTable] = field(default_factory=dict[str, CopiedTable])
    told: list[str] = field(default_factory=list[str])
    backup: SqliteCopy | None = None
    left_out: set[str] = field(default_factory=set[str])

    def keep_copy(self, file: Path) -> None:
        """Makes the copy a backup.

        Raises:
            OSError: it cannot be written.
        """
        self.reader.close()
        self.backup = keep(self.copy, file)
        self.reader = open_read_only(file)
        register(self.reader)

    def reconnect(self) -> None:
        """A new writing connection when the old one is gone.

        Raises:
            ConnectionFailed: the server cannot be reached.
            Busy: another migration has begun in the meantime.
        """
        if self.writer.closed or self.writer.broken:
            self.writer.close()
            self.writer = open_target(self.undertaking.job)

    def close(self) -> None:
        """Closes both ends."""
        self.reader.close()
        self.writer.close()


def open_target(job: Job) -> Connection:
    """The writing connection, which keeps other migrations out of the target.

    Raises:
        ConnectionFailed: the server cannot be reached.
        Busy: another migration is at work there.
    """
    writer = connect(job.target, APPLICATION_NAME)
    try:
        lock_target(writer, job.target_name)
    except OpskitError:
        writer.close()
        raise
    return writer
