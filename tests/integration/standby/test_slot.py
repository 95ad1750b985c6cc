"""The log kept for the file has a limit, and can be lost: PostgreSQL goes on, and the file heals."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from opskit.host.commands import run
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.standby.follower import Follower
from tests.integration.standby.conftest import LOGICAL
from tests.integration.standby.test_daemon import state_of, status, terminated, wait_for
from tests.integration.standby.world import World, until

SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT)"
ROWS = ("INSERT INTO t VALUES (?,?)", [(1, "one"), (2, "two")])
CAP = 64
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateCluster]:
    """A server that keeps little log for slots."""
    settings = {
        **LOGICAL,
        "max_slot_wal_keep_size": f"{CAP}MB",
        "min_wal_size": "32MB",
        "max_wal_size": "32MB",
    }
    with private_cluster(settings=settings) as cluster:
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            for role in ("opskit_owner", "opskit_standby", "application"):
                connection.execute(f"CREATE ROLE {role} SUPERUSER LOGIN".encode())
        yield cluster


@pytest.fixture
def moved(server: PrivateCluster, tmp_path: Path) -> Iterator[World]:
    """An application that has moved to that server."""
    name = f"test_{os.urandom(4).hex()}"
    server.create_database(name)
    world = World(server, name, tmp_path)
    world.moved(SCHEMA, ROWS)
    yield world
    world.close()
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def write_log(world: World, megabytes: int) -> None:
    """The server writes log, and looks at what it keeps."""
    message = "SELECT count(pg_logical_emit_message(false, 'ballast', repeat('x', 1048576)))"
    world.run(f"{message} FROM generate_series(1, {megabytes})")
    world.run("SELECT pg_switch_wal()")
    world.run("CHECKPOINT")


def slots(world: World) -> list[tuple[str]]:
    return world.run("SELECT wal_status FROM pg_replication_slots WHERE database = current_database()")


def page(world: World) -> str:
    """What `opskit status` says."""
    return world.opskit("status", "--config", world.configuration_file).stdout


def test_what_is_kept_and_how_much_more_is_safe_is_told(moved: World) -> None:
    follower = moved.follower()
    before = until(follower, lambda state: state.ready)
    assert before.safe_bytes is not None
    write_log(moved, 30)
    after = until(follower, lambda state: (state.retained_bytes or 0) > 30 * MEGABYTE)
    assert after.safe_bytes is not None
    assert after.safe_bytes < before.safe_bytes - 30 * MEGABYTE
    assert after.whole == "the file is new"


def test_the_limit_reached_while_the_standby_hangs(moved: World) -> None:
    process = moved.opskit.start("standby", "run", "--config", moved.configuration())
    wait_for(lambda: bool(state_of(moved).get("ready")))
    process.send_signal(signal.SIGSTOP)
    try:
        write_log(moved, 2 * CAP)
        assert slots(moved) == [("lost",)]
        moved.run("UPDATE t SET words = 'changed'")  # PostgreSQL goes on
    finally:
        process.send_signal(signal.SIGCONT)
    wait_for(lambda: "max_slot_wal_keep_size" in state_of(moved)["whole"])
    wait_for(lambda: state_of(moved)["ready"])
    assert moved.rows("SELECT words FROM t") == [("changed",), ("changed",)]
    assert slots(moved) != [("lost",)]
    assert terminated(process) == 0


def test_the_limit_reached_while_nobody_follows(moved: World) -> None:
    process: subprocess.Popen[str] = moved.opskit.start("standby", "run", "--config", moved.configuration())
    wait_for(lambda: bool(state_of(moved).get("ready")))
    assert terminated(process) == 0
    write_log(moved, CAP // 2)
    assert "of log for it" in page(moved)
    write_log(moved, 2 * CAP)
    assert "the log for it is lost (max_slot_wal_keep_size)" in page(moved)
    moved.run("UPDATE t SET words = 'changed'")
    assert status(moved)["code"] == 3
    follower = moved.follower()
    state = until(follower, lambda state: state.ready)
    assert "max_slot_wal_keep_size" in state.whole
    assert moved.rows("SELECT words FROM t") == [("changed",), ("changed",)]


def test_until_everything_has_been_compared_the_way_back_is_not_ready(moved: World) -> None:
    seen: list[tuple[str, ...]] = []
    follower = Follower(moved.window(), lambda _: seen.append(follower.told(datetime.now(UTC)).reasons))
    with closing(follower):
        until(follower, lambda state: state.ready)
        moved.run("UPDATE t SET words = 'changed'")
        write_log(moved, 2 * CAP)
        seen.clear()
        until(follower, lambda state: "max_slot_wal_keep_size" in state.whole)
    reason = "everything is being compared: the log had reached the size that the server keeps"
    assert any(one and one[0].startswith(reason) for one in seen)
    assert follower.state.ready


def test_a_slot_that_somebody_drops_is_made_anew(moved: World) -> None:
    follower = moved.follower()
    until(follower, lambda state: state.ready)
    moved.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    moved.run("UPDATE t SET words = 'changed'")
    assert until(follower, lambda state: bool(state.whole) and "gone" in state.whole).ready
    assert moved.rows("SELECT words FROM t") == [("changed",), ("changed",)]
    moved.run("INSERT INTO t VALUES (3, 'three')")
    assert follower.drain().whole == ""
    assert moved.rows("SELECT words FROM t WHERE id = 3") == [("three",)]


def test_a_log_that_the_server_cannot_read_is_begun_anew(moved: World) -> None:
    follower = moved.follower()
    until(follower, lambda state: state.ready)
    moved.run("UPDATE t SET words = 'changed'")
    kept = "SELECT pg_walfile_name(restart_lsn) FROM pg_replication_slots WHERE database = current_database()"
    ((segment,),) = moved.run(kept)
    write_log(moved, 1)
    (moved.cluster.socket_directory / "data" / "pg_wal" / segment).unlink()
    assert f"PostgreSQL cannot read its log: requested WAL segment pg_wal/{segment}" in follower.drain().whole
    assert follower.state.ready
    assert moved.rows("SELECT words FROM t") == [("changed",), ("changed",)]
    moved.run("INSERT INTO t VALUES (3, 'three')")
    assert follower.drain().whole == ""
    assert moved.rows("SELECT words FROM t WHERE id = 3") == [("three",)]


def restored(world: World, *, recovery: bool) -> None:
    """The server goes back to what it was when its files were copied; the application writes other things.

    Args:
        recovery: as a base backup is restored: without slots, on a new timeline.
    """
    cluster = world.cluster
    data, copy = cluster.socket_directory / "data", cluster.socket_directory / "copy"
    cluster.stop()
    run(["cp", "-a", data, copy])
    cluster.start()
    world.superuser("SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 1048576))")
    world.superuser("INSERT INTO t VALUES (3, 'lost by the restore')")
    world.follow()
    cluster.stop()
    run(["rm", "-rf", data])
    run(["mv", copy, data])
    if recovery:
        run(["find", data / "pg_replslot", "-mindepth", "1", "-delete"])
        (data / "recovery.signal").touch()
        with (data / "postgresql.conf").open("a") as file:
            file.write("restore_command = 'false'\n")
    cluster.start()
    with psycopg.connect(cluster.conninfo(world.name), autocommit=True) as connection:
        wait_for(lambda: connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,))
    world.superuser("INSERT INTO t VALUES (4, 'written after the restore')")


@pytest.mark.parametrize("recovery", [True, False], ids=["a base backup", "a copy of its files"])
def test_a_server_that_has_been_restored_is_another_one(moved: World, recovery: bool) -> None:
    moved.follow()
    restored(moved, recovery=recovery)
    assert "restored" in moved.follow().whole
    assert moved.rows("SELECT words FROM t WHERE id IN (3, 4)") == [("written after the restore",)]
