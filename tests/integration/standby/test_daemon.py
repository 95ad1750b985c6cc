"""`opskit standby`: the process that follows, what it tells, and its end."""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.standby.world import World, until

SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT); CREATE TABLE keyless (words TEXT);"
ROWS = ("INSERT INTO t VALUES (?,?)", [(1, "one"), (2, "two")])


def status(world: World) -> dict[str, Any]:
    """What `standby status` tells of the only database, with its exit code."""
    told = world.opskit("standby", "status", "--config", world.configuration_file, "-o", "json")
    return {"code": told.code, **told.document["result"]["databases"][0]}


def wait_for(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def terminated(process: "subprocess.Popen[str]") -> int:
    """The exit code of a process that was told to end."""
    process.terminate()
    process.communicate(timeout=10)
    return process.returncode


def state_of(world: World) -> dict[str, Any]:
    """The state file; empty as long as there is none."""
    file = world.file.with_suffix(".json")
    return json.loads(file.read_text()) if file.exists() else {}


@pytest.fixture
def running(world: World) -> Iterator["subprocess.Popen[str]"]:
    """The daemon, on an application that has moved."""
    world.moved(SCHEMA, ROWS)
    process = world.opskit.start("standby", "run", "--config", world.configuration())
    wait_for(lambda: bool(state_of(world).get("ready")))
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


def test_the_daemon_follows_tells_its_state_and_ends_when_told(
    world: World, running: "subprocess.Popen[str]"
) -> None:
    world.run("INSERT INTO t VALUES (3, 'three')")
    wait_for(lambda: world.rows("SELECT words FROM t WHERE id = 3") == [("three",)])
    told = status(world)
    assert told["code"] == 0
    assert told["method"] == "log"
    assert told["ready"]
    assert told["retained_bytes"] < 2**26
    assert told["deadline"] > told["opened"]
    assert terminated(running) == 0


def test_a_second_daemon_is_told_who_follows(world: World, running: "subprocess.Popen[str]") -> None:
    second = world.opskit("standby", "run", "--config", world.configuration_file)
    assert second.code == 75
    assert str(running.pid) in second.stderr


def test_without_the_daemon_the_way_back_is_not_ready(world: World, running: "subprocess.Popen[str]") -> None:
    running.kill()
    running.communicate()
    file = world.file.with_suffix(".json")
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "written": "2026-01-01T00:00:00+00:00"}))
    assert status(world)["code"] == 3


def test_one_that_was_stopped_on_purpose_says_so_at_once(
    world: World, running: "subprocess.Popen[str]"
) -> None:
    assert terminated(running) == 0
    told = status(world)
    assert (told["code"], told["reasons"]) == (3, ["opskit standby run has been stopped"])


def test_moved_and_never_followed_is_not_ready(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    world.configuration()
    told = world.opskit("standby", "status", "--config", world.configuration_file)
    assert (told.code, told.stdout) == (
        3,
        "main: NOT ready: nothing follows PostgreSQL yet; it takes opskit standby run\n",
    )


def test_the_daemon_waits_while_the_application_runs_on_sqlite(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    process = world.opskit.start("standby", "run", "--config", world.configuration("sqlite"))
    wait_for(lambda: state_of(world).get("phase") == "closed")
    assert status(world)["code"] == 0
    assert not world.file.exists()
    world.configuration("postgresql")
    wait_for(lambda: bool(state_of(world).get("ready")))
    assert terminated(process) == 0


def test_systemd_is_told_when_all_databases_have_been_looked_at(world: World, tmp_path: Path) -> None:
    world.moved(SCHEMA, ROWS)
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(30)
        process = world.opskit.start(
            "standby", "run", "--config", world.configuration(), environ={"NOTIFY_SOCKET": str(address)}
        )
        told = ""
        while "READY=1" not in told:
            told = manager.recv(4096).decode()
        assert "main: ready" in told
        assert terminated(process) == 0
        while "STOPPING=1" not in told:
            told = manager.recv(4096).decode()


def test_closing_lets_go_what_both_sides_keep_and_stays_closed(
    world: World, running: "subprocess.Popen[str]"
) -> None:
    close = ("standby", "close", "--config", world.configuration_file)
    assert world.opskit(*close, "--yes").code == 75
    assert terminated(running) == 0
    assert world.opskit(*close).code == 6
    planned = world.opskit(*close, "--plan")
    assert planned.code == 3
    assert "drop the slot" in planned.stdout
    closed = world.opskit(*close, "--yes")
    assert closed.code == 0, closed.stderr
    assert world.run("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == [
        (0,)
    ]
    assert world.run("SELECT count(*) FROM pg_publication") == [(0,)]
    assert not world.file.exists()
    assert world.opskit(*close, "--yes", "-o", "json").document["changed"] is False
    before = state_of(world).get("written")
    process = world.opskit.start("standby", "run", "--config", world.configuration_file)
    wait_for(lambda: state_of(world).get("written") != before)
    assert terminated(process) == 0
    assert not world.file.exists()
    assert status(world)["phase"] == "ended"


def test_tables_without_a_key_and_those_of_the_application_come_back_whole(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    follower = world.follower()
    follower.drain()
    world.run("CREATE TABLE later (id bigint PRIMARY KEY, words text)")
    world.run("INSERT INTO later VALUES (1, 'x')")
    world.run("INSERT INTO keyless VALUES ('same'), ('same'), ('other')")
    follower.drain()
    world.run("UPDATE later SET words = 'y'")
    world.run("DELETE FROM keyless WHERE ctid IN (SELECT min(ctid) FROM keyless)")
    follower.drain()
    assert world.rows("SELECT * FROM later") == [(1, "y")]
    assert world.rows("SELECT * FROM keyless ORDER BY words") == [("other",), ("same",)]


def test_without_the_rights_for_the_log_the_whole_is_compared_and_that_is_told(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    world.superuser("ALTER ROLE opskit_standby NOREPLICATION")
    try:
        follower = world.follower()
        state = until(follower, lambda state: state.ready)
        assert state.method == "copy"
        assert "may not replicate" in state.why
    finally:
        world.superuser("ALTER ROLE opskit_standby REPLICATION")


def test_a_table_that_may_not_be_read_is_named(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    world.run("CREATE TABLE secret (id bigint PRIMARY KEY)")
    world.run("REVOKE ALL ON secret FROM opskit_standby")
    state = until(world.follower(), lambda state: bool(state.reasons))
    assert state.reasons == ("table secret may not be read by the role that follows",)
    assert world.rows("SELECT words FROM t ORDER BY id") == [("one",), ("two",)]


def test_what_sqlite_cannot_hold_is_told(world: World) -> None:
    world.moved("CREATE TABLE t (id INTEGER PRIMARY KEY, price DECIMAL(10,2), at TIMESTAMP)")
    follower = world.follower()
    world.own("ALTER TABLE t ALTER COLUMN price TYPE numeric")
    world.run("INSERT INTO t VALUES (1, 1.2345678901234567890123, 'infinity')")
    state = until(follower, lambda state: bool(state.reasons))
    assert "table t holds what SQLite cannot" in state.reasons[0]


def test_without_the_server_it_is_told_what_the_file_has(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    world.follow()
    world.cluster.stop()
    try:
        state = until(world.follower(), lambda state: bool(state.reasons))
        assert "cannot be followed" in state.reasons[0]
        assert state.at
        assert state.lag_seconds is not None
    finally:
        world.cluster.start()


def test_a_damaged_file_is_put_aside_and_begun_anew(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    world.follow()
    world.file.write_bytes(b"damaged" * 1000)
    follower = world.follower()
    until(follower, lambda state: state.ready)
    assert world.file.with_suffix(".damaged").exists()
    assert world.rows("SELECT words FROM t ORDER BY id") == [("one",), ("two",)]
