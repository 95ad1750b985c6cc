"""A cluster of its own for each test, with a repository, and pgBackRest as provision configures it."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from opskit.backup.pgbackrest.catalogue import ClusterBackup, Kind
from opskit.backup.pgbackrest.cluster import Cluster, answering
from opskit.backup.pgbackrest.create import back_up, plan_backup
from opskit.backup.place import Place
from opskit.backup.server import Server
from opskit.config import Application, Backup, Configuration, Database, Pgbackrest, Postgresql, Repository
from opskit.host.pgbackrest import Pgbackrest as Door
from opskit.host.postgresql_programs import server_account
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory
from opskit.provision.pgbackrest import text
from opskit.runs.progress import Silence

DATABASES = {"main": "crewai_main", "walmart": "crewai_walmart"}
TABLES = """
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text);
INSERT INTO notes (text) SELECT 'note ' || n FROM generate_series(1, 500) n;
CREATE UNLOGGED TABLE cache (x int);
INSERT INTO cache VALUES (1);
"""


@dataclass(frozen=True, slots=True)
class World:
    """The cluster, opskit's place, and the repository's directory."""

    private: PrivateCluster
    cluster: Cluster
    place: Place
    repository: Path

    def execute(self, statement: str, database: str = "crewai_main") -> list[tuple[object, ...]]:
        with psycopg.connect(self.private.conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def notes(self, database: str = "crewai_main") -> int:
        ((count,),) = self.execute("SELECT count(*) FROM notes", database)
        assert isinstance(count, int)
        return count

    def now(self) -> datetime:
        ((at,),) = self.execute("SELECT clock_timestamp()")
        assert isinstance(at, datetime)
        return at.astimezone(UTC)

    def backup(self, kind: Kind | None = None) -> ClusterBackup:
        return back_up(plan_backup(self.cluster, kind), self.cluster, self.place, Silence())


@dataclass(frozen=True, slots=True)
class Keeper:
    """Starts and stops the private cluster as systemd does Debian's."""

    private: PrivateCluster
    server: Server

    def start(self) -> None:
        self.private.start()
        answering(self.server)

    def stop(self) -> None:
        self.private.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two databases in a cluster that archives its log, no backup yet."""
    assert shutil.which("pgbackrest"), "scripts/setup dev installs it"
    account = server_account()
    with scratch_directory() as room:
        room.chmod(0o711)
        file, repository = room / "pgbackrest.conf", room / "repository"
        repository.mkdir()
        wanted = Pgbackrest(Repository(path=repository))
        door = Door(wanted.stanza, file, account)
        archive = " ".join(door.words("archive-push"))
        settings = {
            "wal_level": "logical",
            "archive_mode": "on",
            "archive_command": f"{archive} %p",
            "fsync": "off",
        }
        with private_cluster(room, settings=settings) as private:
            place = text.Place(private.socket_directory / "data", private.port, private.socket_directory)
            file.write_text(text.file_text(wanted, place, 2, {}, locks=room / "locks"))
            (room / "locks").mkdir()
            for one in (repository, room / "locks", file):
                if account is not None:
                    os.chown(one, account.pw_uid, account.pw_gid)
            door.ask("stanza-create")
            door.ask("check")
            cluster = _cluster(private, wanted, door)
            found = World(private, cluster, _place(private, wanted, tmp_path), repository)
            for name in DATABASES.values():
                private.create_database(name)
                found.execute(TABLES, name)
            yield found


def _place(private: PrivateCluster, wanted: Pgbackrest, directory: Path) -> Place:
    (directory / ".env").write_text("DATABASE_TYPE=postgresql\n")
    databases = {name: Database(directory / f"{name}.db", there) for name, there in DATABASES.items()}
    server = Postgresql(host=str(private.socket_directory), port=private.port, user=private.superuser)
    configuration = Configuration(
        databases,
        Application(directory / ".env"),
        server,
        backup=Backup(directory / "backups", pgbackrest=wanted),
    )
    return Place(configuration, directory / "state")


def _cluster(private: PrivateCluster, wanted: Pgbackrest, door: Door) -> Cluster:
    reached = {"host": str(private.socket_directory), "port": private.port, "user": private.superuser}
    server = Server({**reached, "dbname": "postgres"})
    data = private.socket_directory / "data"
    return Cluster("15/main", data, server, door, wanted, dict(DATABASES), Keeper(private, server))
