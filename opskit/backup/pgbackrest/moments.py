"""What the databases hold at a place in the log, so that a restored cluster can be held at the very same.

A logical slot is made with a snapshot: the server itself says that this shows what was committed before the
slot's place in the log, and nothing else. The slot is temporary, and read by nobody.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

import psycopg
from psycopg import sql

from opskit.backup.manifest import TableSum
from opskit.backup.pgbackrest.cluster import Cluster, session
from opskit.backup.postgresql_content import SETTINGS, Snapshot, query, table_sums
from opskit.backup.server import Server, failure
from opskit.errors import OpskitError
from opskit.runs.progress import Progress

ARCHIVE_SECONDS = 120.0
"""How long the segment that is written now may take into the repository."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a database held.

    Attributes:
        database: its name in the cluster.
        lsn: the place in the log: before the first record from there on.
        tables: rows and digests, as a restore brings them back.
    """

    database: str
    lsn: str
    tables: tuple[TableSum, ...]


class _AsRestored(Snapshot):
    """A snapshot as a restore of the cluster brings it back."""

    def emptied(self) -> frozenset[tuple[str, str]]:
        """See `Snapshot`."""
        found = cast(
            "list[tuple[str, str, bool]]", self.connection.execute(query("unlogged_tables")).fetchall()
        )
        return frozenset((schema, name) for schema, name, _ in found)


def read_moments(cluster: Cluster, progress: Progress) -> tuple[Moment, ...]:
    """What the configuration's databases hold now, each at a moment of its own, in the order of the log.

    Raises:
        ConnectionFailed: the server cannot be reached.
        QueryFailed: it failed on the way, or has no slot free.
    """
    names = sorted(set(cluster.databases.values()))
    return tuple(_moment(cluster.server.named(name), progress) for name in names)


def _moment(server: Server, progress: Progress) -> Moment:
    replication = replace(server, parameters={**server.parameters, "replication": "database"})
    walsender = replication.connect({})
    try:
        lsn, name = _slot(walsender)
        with session(server, SETTINGS) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(name))
            found = _AsRestored(server, connection, name)
            return Moment(server.database, lsn, tuple(table_sums(found, progress, lambda: None)))
    except psycopg.Error as error:
        raise failure(server, error) from error
    finally:
        walsender.close()


def _slot(walsender: psycopg.Connection[tuple[object, ...]]) -> tuple[str, str]:
    """Place and snapshot of a new slot; it waits for the end of the transactions that run now."""
    command = sql.SQL("CREATE_REPLICATION_SLOT {} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')")
    row = walsender.execute(command.format(sql.Identifier(f"opskit_drill_{os.getpid()}"))).fetchone()
    _, lsn, name, _ = cast("tuple[str, str, str, str]", row)
    return lsn, name


def archive_now(cluster: Cluster) -> None:
    """Sees to it that the repository has all that was written until now, and a commit after it.

    Recovery stops only at a commit that is later than the moment it is told.

    Raises:
        ConnectionFailed: the server cannot be reached.
        OpskitError: the archive does not take it.
    """
    with session(cluster.server) as connection:
        connection.execute("SELECT pg_catalog.pg_current_xact_id()")
        row = connection.execute("SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_switch_wal())").fetchone()
        segment = str(row[0]) if row else ""
        deadline = time.monotonic() + ARCHIVE_SECONDS
        while True:
            done, failed = _archiver(connection.execute(_ARCHIVER).fetchall())
            if done >= segment:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
    raise OpskitError.of(
        "not_archived",
        f"the repository did not take segment {segment} in {ARCHIVE_SECONDS:.0f} s"
        + (f"; the last failure was {failed}" if failed else ""),
        hint="the server's log says why; a restore does without it while the cluster is stopped",
        where=segment,
    )


_ARCHIVER = "SELECT coalesce(last_archived_wal, ''), coalesce(last_failed_wal, '') FROM pg_stat_archiver"


def _archiver(rows: Iterable[tuple[object, ...]]) -> tuple[str, str]:
    """The last segment that was archived, and the last that was not."""
    ((done, failed),) = rows
    return str(done), str(failed)
