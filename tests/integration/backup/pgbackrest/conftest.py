"""A cluster of its own for each test, with a repository, and pgBackRest as provision configures it."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from opskit.backup.pgbackrest.cluster import Cluster
from opskit.backup.pgbackrest.create import back_up, plan_backup
from opskit.backup.place import Place
from opskit.backup.pgbackrest.catalogue import ClusterBackup, Kind
from opskit.backup.server import Server
from opskit.config import Configuration, Database, Pgbackrest, Postgresql, Repository
from opskit.config.model import Backup
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
            data = private.socket_directory / "data"
            place = text.Place(data, private.port, private.socket_directory)
            file.write_text(text.file_text(wanted, place, 2, {}, locks=room / "locks"))
            (room / "locks").mkdir()
            for one in (repository, room / "locks", file):
                if account is not None:
                    os.chown(one, account.pw_uid, account.pw_gid)
            door.ask("stanza-create")
            door.ask("check")
            found = _world(private, wanted, door, data, tmp_path, repository)
            for name in DATABASES.values():
                private.create_database(name)
                found.execute(TABLES, name)
            yield found


def _world(
    private: PrivateCluster, wanted: Pgbackrest, door: Door, data: Path, directory: Path, repository: Path
) -> World:
    databases = {name: Database(directory / f"{name}.db", there) for name, there in DATABASES.items()}
    server = Postgresql(host=str(private.socket_directory), port=private.port, user=private.superuser)
    configuration = Configuration(databases, postgresql=server, backup=Backup(pgbackrest=wanted))
    parameters = {
        "host": str(private.socket_directory),
        "port": private.port,
        "user": private.superuser,
        "dbname": "postgres",
    }
    cluster = Cluster("15/main", data, Server(parameters), door, wanted, dict(DATABASES), private)
    return World(private, cluster, Place(replace(configuration), directory / "state"), repository)
