"""What one database's migration holds open, and what it has found out so far."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import psycopg
from psycopg.pq import TransactionStatus

from opskit.errors import OpskitError
from opskit.migrate.facts import Job
from opskit.migrate.staging import lock_target, worker_settings
from opskit.migrate.undertaking import Undertaking
from opskit.transfer.backup import SqliteCopy
from opskit.transfer.copied import Copied
from opskit.transfer.digest import Digest, total
from opskit.transfer.target import Connection, connect
from opskit.transfer.workers import Ends, Hands, OwnHands, Route, Workers

APPLICATION_NAME = "opskit migrate"


@dataclass(slots=True)
class CopiedTable:
    """What copying one table took and gave, part by part."""

    parts: list[Copied] = field(default_factory=list[Copied])
    verified: bool = False

    @property
    def rows(self) -> int:
        """Rows that were copied."""
        return self.digest.rows

    @property
    def digest(self) -> Digest:
        """Of the rows that were copied."""
        return total(part.digest for part in self.parts)

    @property
    def rejected(self) -> int:
        """Rows that were set aside."""
        return sum(part.set_aside for part in self.parts)

    @property
    def refused(self) -> Mapping[int, str]:
        """Digest of a line that the server refused → its words."""
        return {line: words for part in self.parts for line, words in part.refused.items()}

    @property
    def bytes(self) -> int:
        """Of the COPY stream."""
        return sum(part.bytes for part in self.parts)

    @property
    def seconds(self) -> float:
        """Of all parts, some of which were copied side by side."""
        return sum(part.seconds for part in self.parts)


@dataclass(slots=True)
class Session:
    """One database under migration.

    Attributes:
        copy: the source as of one moment, which everything is read from.
        reader: reads the copy.
        profiled: seconds that reading the source's facts took.
        told: what was found out on the way that the operator must know.
    """

    undertaking: Undertaking
    copy: Path
    reader: apsw.Connection
    writer: Connection
    profiled: float
    hands: Hands = field(init=False)
    tables: dict[str, CopiedTable] = field(default_factory=dict[str, CopiedTable])
    told: list[str] = field(default_factory=list[str])
    backup: SqliteCopy | None = None
    left_out: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        """Tables are known from the start; until there are workers, everything is done in this process."""
        self.hands = OwnHands(Ends(self.reader, self.writer))
        for table in self.undertaking.design.tables:
            parts = self.undertaking.kept.tables.get(table.source, ())
            self.tables[table.source] = CopiedTable([*parts], verified=self.undertaking.kept.published)

    def hire(self, workers: int) -> None:
        """Lets tasks be carried out by so many processes, when it is more than one."""
        if workers > 1:
            job, target = self.undertaking.job, self.undertaking.target
            settings = worker_settings(job.schema, job.staging, target)
            self.hands = Workers(Route(self.copy, job.target, APPLICATION_NAME, settings), workers)

    def reconnect(self) -> None:
        """A new writing connection when the old one is gone, or was interrupted in mid statement.

        Raises:
            ConnectionFailed: the server cannot be reached.
            Busy: another migration has begun in the meantime.
        """
        with suppress(psycopg.Error):  # a connection that nobody uses does not know of its end
            self.writer.execute("SELECT")
        busy = self.writer.info.transaction_status is TransactionStatus.ACTIVE
        if self.writer.closed or self.writer.broken or busy:
            self.writer.close()
            self.writer = open_target(self.undertaking.job)

    def close(self) -> None:
        """Ends the workers and closes both ends."""
        self.hands.halt()
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
        lock_target(writer, job.target_name, job.schema)
    except OpskitError:
        writer.close()
        raise
    return writer
