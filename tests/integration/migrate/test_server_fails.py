"""Servers, workers, connections and disks that fail in the middle: all is put back, or what to do is said."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.conftest import FAST_AND_FAR, TestDatabase
from tests.disks import small_disk
from tests.integration.migrate.kills import begun, left_behind, processes, soon
from tests.support import Opskit, Result, finish, make_sqlite, query, relations

ROWS = 12_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough for workers, with indexes that take a while."""
    return make_sqlite(
        tmp_path_factory.mktemp("fails") / "app.db",
        "CREATE TABLE small (id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
        "INSERT INTO small VALUES (1, 'one'), (2, 'two');"
        "CREATE TABLE large (id INTEGER PRIMARY KEY, body TEXT, tail TEXT);"
        "CREATE INDEX large_body ON large (body); CREATE INDEX large_tail ON large (tail, body);"
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
        " INSERT INTO large SELECT i, hex(randomblob(300)), hex(randomblob(200)) FROM n",
    )


@pytest.fixture
def own_server() -> Iterator[PrivateCluster]:
    """A server that may fall."""
    with private_cluster(settings=FAST_AND_FAR) as cluster:
        yield cluster


@pytest.fixture
def fallible(own_server: PrivateCluster) -> TestDatabase:
    own_server.create_database("app")
    address = f"host={own_server.socket_directory}&port={own_server.port}"
    return TestDatabase("app", own_server.conninfo("app"), f"postgresql://postgres@/app?{address}")


def started(opskit: Opskit, source: Path, database: TestDatabase, words: str) -> "subprocess.Popen[str]":
    """A migration with workers that has just begun a step."""
    has_come = begun(opskit, words)
    process = opskit.start("migrate", source, database.url, "--jobs", "2", "-o", "json")
    assert soon(lambda: has_come() or process.poll() is not None)
    assert process.poll() is None, finish(process)
    return process


def put_back(opskit: Opskit, database: TestDatabase, result: Result) -> None:
    """The run says that all was put back, and it was."""
    assert result.code == 4, result
    assert all(error["hint"] for error in result.document["errors"])
    assert relations(database) == []
    assert left_behind(opskit, database, backups=0) == []


@pytest.mark.parametrize("step", ["copy", "build index"])
def test_a_server_that_crashes_and_stays_away(
    opskit: Opskit, source: Path, own_server: PrivateCluster, fallible: TestDatabase, step: str
) -> None:
    process = started(opskit, source, fallible, step)
    own_server.stop("immediate")
    result = finish(process)
    assert result.code == 5, result
    first, last = result.document["errors"]
    assert "when it is up, run again" in first["hint"] or "check that the server runs" in first["hint"]
    assert last["code"] == "not_put_back"
    assert "run the same command again: with --resume it goes on" in last["hint"]
    assert processes(opskit) == []
    (backup,) = opskit.files()  # from which it goes on

    own_server.start()
    again = opskit("migrate", source, fallible.url, "--resume", "-o", "json")
    assert again.code == 0, again
    assert again.document["result"]["rows"] == ROWS + 2
    assert again.document["result"]["databases"][0]["backup"] == str(opskit.state_dir / backup)
    assert left_behind(opskit, fallible, backups=1) == []


def test_a_server_that_is_restarted_meanwhile(
    opskit: Opskit, source: Path, own_server: PrivateCluster, fallible: TestDatabase
) -> None:
    process = started(opskit, source, fallible, "copy")
    os.kill(process.pid, signal.SIGSTOP)
    own_server.restart()
    os.kill(process.pid, signal.SIGCONT)
    put_back(opskit, fallible, finish(process))
    assert opskit("migrate", source, fallible.url).code == 0


@pytest.mark.parametrize("whose", ["opskit migrate", "opskit migrate worker%"])
def test_a_session_that_somebody_ends(
    opskit: Opskit, source: Path, database: TestDatabase, whose: str
) -> None:
    process = started(opskit, source, database, "build index")
    ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '{whose}'"
    assert soon(lambda: bool(query(database, f"{ended} AND datname = current_database()")))
    put_back(opskit, database, finish(process))


def test_a_migration_into_another_database_of_the_server_is_not_disturbed(
    opskit: Opskit, source: Path, database: TestDatabase, postgresql: PrivateCluster, tmp_path: Path
) -> None:
    other = f"{database.name}_other"
    postgresql.create_database(other)
    process = started(opskit, source, database, "copy")
    beside = Opskit(tmp_path / "beside")("migrate", source, postgresql.conninfo(other), "--jobs", "2")
    assert beside.code == 0
    assert finish(process).code == 0
    query(database, f"DROP DATABASE {other} WITH (FORCE)")


def test_a_worker_that_is_killed(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    process = started(opskit, source, database, "build index")
    mine = f"process {process.pid} lives"
    for line in processes(opskit):
        if line != mine:
            with suppress(ProcessLookupError):  # one that has done its part has ended
                os.kill(int(line.split()[1]), signal.SIGKILL)
    result = finish(process)
    put_back(opskit, database, result)
    assert "a worker process died" in result.document["errors"][0]["message"]


@pytest.mark.parametrize("step", ["copy", "build index", "verify every row of"])
def test_ctrl_c_puts_everything_back(opskit: Opskit, source: Path, database: TestDatabase, step: str) -> None:
    process = started(opskit, source, database, step)
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    assert relations(database) == []
    assert left_behind(opskit, database, backups=0) == []


@pytest.mark.parametrize("step", ["create table", "copy"])
def test_ctrl_c_on_a_terminal_reaches_the_workers_too_and_they_keep_quiet(
    opskit: Opskit, source: Path, database: TestDatabase, step: str
) -> None:
    has_come = begun(opskit, step)
    process = opskit.start("migrate", source, database.url, "--jobs", "2", wrapper=["setsid"])
    assert soon(has_come)
    os.killpg(process.pid, signal.SIGINT)
    result = finish(process)
    assert result.code == 130, result.stderr
    assert "Traceback" not in result.stderr
    assert left_behind(opskit, database, backups=0) == []


def test_workers_do_not_outlive_a_killed_run(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    process = started(opskit, source, database, "build index")
    assert len(processes(opskit)) >= 3
    process.kill()
    process.communicate()
    assert soon(lambda: processes(opskit) == [])


def test_a_server_whose_disk_is_full(
    opskit: Opskit, source: Path, own_server: PrivateCluster, fallible: TestDatabase
) -> None:
    scratch = own_server.socket_directory
    (scratch / "small").mkdir()
    shutil.chown(scratch / "small", scratch.stat().st_uid)
    with small_disk(scratch / "small", 24) as disk:
        query(fallible, f"CREATE TABLESPACE small LOCATION '{disk.root}'")
        with psycopg.connect(own_server.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("ALTER DATABASE app SET TABLESPACE small")
        result = opskit("migrate", source, fallible.url, "-o", "json")
        put_back(opskit, fallible, result)
        assert "make room on the server's disk" in result.document["errors"][0]["hint"]
        own_server.stop()


def test_a_disk_too_small_for_the_backup(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    with small_disk(opskit.state_dir, 8):
        result = opskit("migrate", source, database.url, "-o", "json")
        assert (result.code, result.error["code"]) == (6, "no_copy")
        assert relations(database) == []
        assert opskit.files() == []


def test_a_disk_that_is_full_when_the_journal_is_to_be_written(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    with small_disk(opskit.state_dir, 100) as disk:
        process = started(opskit, source, database, "copy")
        disk.fill()
        result = finish(process)
        assert (result.code, result.error["code"]) == (4, "journal_failed")
        assert "make room" in result.error["hint"]
        assert relations(database) == []
        assert opskit.files() == ["filler"]
        disk.free()
        assert opskit("migrate", source, database.url, "--resume").code == 0
        assert left_behind(opskit, database, backups=1) == []
