"""Restores a dump into a PostgreSQL of its own, gone afterwards: the application's server is not asked."""

import tempfile
from pathlib import Path

import psycopg

from opskit.backup.manifest import Damaged, PostgresqlOrigin, TableSum
from opskit.backup.postgresql_content import query, snapshot, table_sums
from opskit.backup.postgresql_database import create_database
from opskit.backup.postgresql_dump import GLOBALS, restore, run_script
from opskit.backup.programs import ProgramEnded, ProgramFailed
from opskit.backup.room import ELSEWHERE, check_room
from opskit.backup.server import Server, failure
from opskit.host.private_cluster import SUPERUSER, private_cluster
from opskit.runs.progress import Progress

_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",  # a hardened unit allows no memory that can be both written and run
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
}
"""Of a server whose content nobody will miss."""

_OF_THIS_HOST = ("No space left on device", "is not available")
"""What pg_restore says when a disk is full or an extension is missing, which is not the backup's fault."""


def restored_sums(
    origin: PostgresqlOrigin, directory: Path, jobs: int, progress: Progress
) -> tuple[TableSum, ...]:
    """Rows and digest of every table of a backup, as they come back.

    Args:
        directory: the backup's.

    Raises:
        Damaged: the backup does not have the roles that it needs.
        ProgramFailed: it cannot be restored.
        OpskitError: a drill cannot be held here: PostgreSQL or an extension is missing, there is no room.
    """
    check_room(Path(tempfile.gettempdir()), origin.size, "a drill", hint=ELSEWHERE)
    with private_cluster(settings=_SETTINGS) as cluster:
        work = cluster.log.parent
        server = Server({"host": str(work), "port": cluster.port, "user": SUPERUSER, "dbname": SUPERUSER})
        run_script(server, origin, _roles(directory, work), work / "roles.log")
        _make_database(server, origin)
        there = server.named(origin.name)
        try:
            restore(there, origin, directory, jobs, work / "pg_restore.log")
        except ProgramFailed as error:
            if any(words in str(error) for words in _OF_THIS_HOST):
                raise ProgramEnded(*error.faults) from error
            raise
        with snapshot(there) as found:
            return tuple(table_sums(found, progress, lambda: None))


def _roles(directory: Path, work: Path) -> Path:
    """What makes the roles. Tablespaces stay out: their directories are the application's server's."""
    lines = (directory / GLOBALS).read_text(encoding="utf-8").splitlines(keepends=True)
    script = work / "roles.sql"
    script.write_text(
        "".join(one for one in lines if not one.startswith("CREATE TABLESPACE")), encoding="utf-8"
    )
    return script


def _make_database(server: Server, origin: PostgresqlOrigin) -> None:
    connection = server.connect({})
    try:
        needed = {"names": [origin.owner, *origin.roles]}
        missing = [str(name) for (name,) in connection.execute(query("missing_roles"), needed)]
        if missing:
            raise Damaged.of("roles_missing", f"{GLOBALS} does not make the roles {', '.join(missing)}")
        create_database(connection, origin.name, origin)
    except psycopg.Error as error:
        raise failure(server, error) from error
    finally:
        connection.close()
