"""What a cluster that is held still has in its databases."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from opskit.backup.checking import different_tables
from opskit.backup.manifest import TableSum
from opskit.backup.pgbackrest.moments import Moment
from opskit.backup.postgresql_content import Snapshot, query, snapshot, table_sums
from opskit.backup.server import Server
from opskit.errors import OpskitError
from opskit.runs.progress import Progress
from opskit.schema.names import quote
from opskit.transfer.tables import TargetTable


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read.

    Attributes:
        locked: tables that nobody can read there: a transaction that had not ended at that moment was to drop
            or rewrite them. They come back as they were before it.
    """

    tables: tuple[TableSum, ...] = ()
    locked: tuple[str, ...] = ()


class _Unlocked(Snapshot):
    """A snapshot without the tables that recovery keeps locked."""

    def tables(self) -> tuple[TargetTable, ...]:
        """See `Snapshot`."""
        locked = self.locked()
        return tuple(one for one in super().tables() if (one.schema, one.name) not in locked)

    def locked(self) -> frozenset[tuple[str, str]]:
        """Those that are left out."""
        rows = self.connection.execute(query("locked_tables")).fetchall()
        return frozenset(cast("list[tuple[str, str]]", rows))


def read(server: Server, progress: Progress) -> Seen:
    """Reads all of a database.

    Raises:
        ConnectionFailed: it is not there.
        QueryFailed: it cannot be read.
    """
    with snapshot(server) as found:
        unlocked = _Unlocked(found.server, found.connection, found.name)
        tables = tuple(table_sums(unlocked, progress, lambda: None))
        return Seen(tables, tuple(f"{quote(one)}.{quote(other)}" for one, other in sorted(unlocked.locked())))


def differing(server: Server, moment: Moment, progress: Progress) -> Iterator[str]:
    """How a restored database differs from what was read at the same place in the log.

    Raises:
        OpskitError: not everything can be compared there.
    """
    seen = read(server.named(moment.database), progress)
    if seen.locked:
        raise OpskitError.of(
            "moment_disturbed",
            f"at {moment.lsn} a transaction was about to drop or rewrite {', '.join(seen.locked)}",
            hint="hold the drill again",
            where=moment.database,
        )
    for problem in different_tables(moment.tables, seen.tables):
        yield f"{moment.database}: {problem}"
