"""A private cluster is private while it runs and gone when it ends, however it ends."""

import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from opskit.host.commands import Child
from opskit.host.private_cluster import ClusterFailed, PrivateCluster, private_cluster
from tests.conftest import TestDatabase

OWNER = """
import time
from pathlib import Path
from opskit.host.private_cluster import private_cluster

with private_cluster() as cluster:
    print(cluster.socket_directory, cluster.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[PrivateCluster]:
    with private_cluster() as cluster:
        yield cluster


def test_it_listens_on_a_socket_that_only_its_owner_can_reach(cluster: PrivateCluster) -> None:
    with psycopg.connect(cluster.conninfo("postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
    assert stat.S_IMODE(cluster.socket_directory.stat().st_mode) == 0o700


def test_root_does_not_run_the_server(cluster: PrivateCluster) -> None:
    owner = Path(f"/proc/{cluster.pid}").stat().st_uid
    assert owner != 0
    assert os.geteuid() in (0, owner)


def test_databases_order_text_by_bytes(cluster: PrivateCluster) -> None:
    cluster.create_database('it\'s a "name"')
    with psycopg.connect(cluster.conninfo('it\'s a "name"')) as connection:
        assert connection.execute(
            "SELECT 'B' < 'a', pg_encoding_to_char(encoding), datcollate FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone() == (True, "UTF8", "C.UTF-8")


def test_the_data_survive_a_restart_of_the_server(cluster: PrivateCluster) -> None:
    with psycopg.connect(cluster.conninfo("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    before = cluster.pid
    cluster.restart()
    assert cluster.pid != before
    with psycopg.connect(cluster.conninfo("postgres")) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_suspended_server_is_stopped_all_the_same(cluster: PrivateCluster) -> None:
    os.kill(cluster.pid, signal.SIGSTOP)
    cluster.stop()
    with pytest.raises(ClusterFailed, match="stopped"):
        _ = cluster.pid
    cluster.start()


def test_a_setting_that_the_server_refuses_is_told_in_its_own_words() -> None:
    with (
        pytest.raises(ClusterFailed, match="shared_buffers"),
        private_cluster(settings={"shared_buffers": "much"}),
    ):
        pass


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    with pytest.raises(ClusterFailed, match="107 bytes"), private_cluster(deep):
        pass
    assert list(deep.iterdir()) == []


def test_tcp_asks_for_the_password(postgresql: PrivateCluster, database: TestDatabase) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {database.name} LOGIN PASSWORD 'right'")
    try:
        tcp = postgresql.conninfo(database.name, database.name, host="127.0.0.1")
        with psycopg.connect(tcp, password="right") as connection:
            assert connection.execute("SELECT current_user").fetchone() == (database.name,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(tcp, password="wrong")
    finally:
        with psycopg.connect(database.conninfo, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {database.name}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_owner_takes_server_and_files_with_it(number: signal.Signals, tmp_path: Path) -> None:
    owner, scratch, server = start_owner(tmp_path)
    owner.signal(number)
    assert owner.wait(30) is not None
    assert not scratch.exists()
    assert not Path(f"/proc/{server}").exists()


def test_a_killed_owner_leaves_no_server_and_the_next_run_removes_the_files(tmp_path: Path) -> None:
    owner, scratch, server = start_owner(tmp_path)
    owner.kill()
    eventually_gone(Path(f"/proc/{server}"))
    with private_cluster():
        assert not scratch.exists()


def test_the_next_run_leaves_a_living_cluster_alone(cluster: PrivateCluster) -> None:
    with private_cluster():
        assert cluster.socket_directory.exists()


def start_owner(tmp_path: Path) -> tuple[Child, Path, int]:
    """A process with a private cluster: itself, the cluster's directory and the server's process id."""
    log = tmp_path / "owner.log"
    owner = Child([sys.executable, "-c", OWNER], log=log)
    while not log.read_text().endswith("\n"):
        assert owner.wait(0.05) is None, log.read_text()
    scratch, server = log.read_text().split()
    return owner, Path(scratch), int(server)


def eventually_gone(path: Path) -> None:
    deadline = time.monotonic() + 30
    while path.exists():
        assert time.monotonic() < deadline, f"{path} is still there"
        time.sleep(0.05)
