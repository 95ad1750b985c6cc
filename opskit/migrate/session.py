"""What one database's migration holds open, and what it has found out so far."""

from dataclasses import dataclass, field

import apsw

from opskit.errors import OpskitError
from opskit.migrate.facts import Job
from opskit.migrate.plan import Undertaking
from opskit.migrate.staging import lock_target
from opskit.schema.sqlite_file import open_read_only
from opskit.transfer.backup import SqliteCopy
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
        reader: the source; after the backup, the backup.
        profiled: seconds that reading the source's facts took.
        told: what was found out on the way that the operator must know.
    """

    undertaking: Undertaking
    reader: apsw.Connection
    writer: Connection
    profiled: float
    tables: dict[str, CopiedTable] = field(default_factory=dict[str, CopiedTable])
    told: list[str] = field(default_factory=list[str])
    backup: SqliteCopy | None = None
    left_out: set[str] = field(default_factory=set[str])

    def read_from(self, copy: SqliteCopy) -> None:
        """Lets go of the source file; from now on rows come from the copy."""
        self.backup = copy
        self.reader.close()
        self.reader = open_read_only(copy.file)
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
