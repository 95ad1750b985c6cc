"""A PostgreSQL of one test module's own, with all that can be watched, which is brought into trouble."""

import signal
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from opskit.host.commands import Child, run
from opskit.host.postgresql_programs import as_account, find_programs, server_account
from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.integration.exporter.servers import disconnect
from tests.integration.exporter.world import wait_until

SETTINGS = {
    "fsync": "off",
    "autovacuum": "off",
    "track_io_timing": "on",
    "max_connections": "40",
    "max_prepared_transactions": "2",
    "wal_level": "logical",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "max_slot_wal_keep_size": "64MB",
    "archive_mode": "on",
    "archive_command": "test ! -e archive_is_full",
}


class Server:
    """A PostgreSQL that can be brought into trouble."""

    def __init__(self, cluster: PrivateCluster) -> None:
        self.cluster = cluster
        self.data = cluster.socket_directory / "data"

    def connect(self, database: str = "main") -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.cluster.conninfo(database), autocommit=True)

    def run(self, *statements: str, database: str = "main") -> list[tuple[object, ...]]:
        """The rows of the last statement; the exporter asks everything anew then."""
        with self.connect(database) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            disconnect(connection)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def after(self, statements: Sequence[str], undo: Sequence[str]) -> Generator[None]:
        self.run(*statements)
        yield
        self.run(*undo)


@contextmanager
def own_server() -> Generator[Server]:
    """One with two databases."""
    with private_cluster(settings=SETTINGS) as cluster:
        for name in ("main", "walmart"):
            cluster.create_database(name)
        server = Server(cluster)
        for name in ("main", "walmart"):
            server.run(
                "CREATE EXTENSION pg_stat_statements", "CREATE TABLE users (id int, name text)", database=name
            )
        server.run("CREATE TABLE log (id serial, line text)")
        yield server


def as_server(*command: str | Path) -> None:
    """Runs one of PostgreSQL's programs under the server's account."""
    program, *arguments = command
    run([*as_account(server_account()), find_programs() / str(program), *arguments], cwd=Path("/"))


STREAMING = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"


@contextmanager
def replica(server: Server, directory: Path) -> Generator["psycopg.Connection[tuple[object, ...]]"]:
    """A session in a replica that streams: one whose replay is paused before that would never begin to."""
    place = server.cluster.socket_directory / "replica"
    as_server("pg_basebackup", "-D", place, "-c", "fast", "-R", "-d", server.cluster.conninfo("postgres"))
    program = [*as_account(server_account()), find_programs() / "postgres", "-D", place, "-c", "port=5999"]
    log = directory / "replica.log"
    running = Child(program, log=log, cwd=Path("/"))
    conninfo = server.cluster.conninfo("main").replace(f"port='{server.cluster.port}'", "port='5999'")

    def connected() -> "psycopg.Connection[tuple[object, ...]] | None":
        with suppress(psycopg.OperationalError):
            return psycopg.connect(conninfo, autocommit=True)
        return None

    try:
        wait_until(lambda: (session := connected()) and session.close() is None)
        wait_until(lambda: server.run(STREAMING))
        with psycopg.connect(conninfo, autocommit=True) as session:
            yield session
    finally:
        running.signal(signal.SIGQUIT)
        running.wait(20)
        print(log.read_text(encoding="utf-8"))  # which pytest shows when the test failed
