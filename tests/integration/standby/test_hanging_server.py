"""A server that hangs: the standby does not, and tells that the way back is not ready."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opskit.runs.standby_state import Phase
from opskit.standby import decide, session
from opskit.switch.way_back import arm, bring_back
from opskit.transfer import awake
from tests.integration.standby.world import World, until

SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT)"
ROWS = ("INSERT INTO t VALUES (?,?)", [(1, "one"), (2, "two")])


@contextmanager
def suspended(*pids: int) -> Generator[None]:
    """Processes that do not run."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def backends(world: World, name: str) -> list[int]:
    return [
        pid for (pid,) in world.run(f"SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'")
    ]


@pytest.mark.parametrize("which", ["opskit standby", "opskit standby log"])
def test_a_session_that_hangs_is_given_up_and_another_one_follows(
    world: World, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr(session, "SILENCE", 0.5)
    world.moved(SCHEMA, ROWS)
    follower = world.follower()
    until(follower, lambda state: state.ready)
    world.run("UPDATE t SET words = 'changed'")
    hung = backends(world, which)
    with suspended(*hung):
        state = until(follower, lambda state: state.phase is Phase.STUCK)
        assert state.reasons == ("PostgreSQL cannot be followed: no answer from PostgreSQL for 0.5 seconds",)
        if which == "opskit standby":  # nobody else can read a slot that one who hangs has taken
            until(follower, lambda state: state.ready)
            assert hung != backends(world, which)
    until(follower, lambda state: state.ready)
    assert world.rows("SELECT words FROM t") == [("changed",), ("changed",)]


def test_a_server_that_takes_nobody_in_is_given_up(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    world.follow()
    follower = world.follower()
    follower.window = replace(follower.window, reader={**follower.window.reader, "connect_timeout": "2"})
    with suspended(world.cluster.pid):
        follower.look()
        assert follower.state.phase is Phase.STUCK
        assert "timeout" in follower.state.reasons[0]
    until(follower, lambda state: state.ready)


def test_the_state_of_everything_is_told_while_the_server_takes_nobody_in(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    world.follow()
    file = world.configuration()
    file.write_text(
        file.read_text().replace("user: application", "user: application, parameters: {connect_timeout: 2}")
    )
    before = world.opskit("status", "--config", file)
    assert before.code == 3, before.stderr  # nobody has switched: the .env is wrong
    assert "[x] provisioned" in before.stdout
    assert "[x] migrated" in before.stdout
    with suspended(world.cluster.pid):
        told = world.opskit("status", "--config", file)
        assert (told.code, told.stderr) == (3, "")
        assert "PostgreSQL cannot be reached: connection timeout expired" in told.stdout
        assert "[ ] provisioned" in told.stdout
        closing = world.opskit("standby", "close", "--yes", "--config", file)
        assert closing.code == 1
        assert "timeout" in closing.stderr


def test_while_a_step_takes_long_the_file_falls_behind_and_is_not_ready(world: World) -> None:
    world.moved(SCHEMA, ROWS)
    follower = world.follower()
    assert until(follower, lambda state: state.ready).reasons == ()
    told = follower.told(datetime.now(UTC) + timedelta(minutes=2))
    assert not told.ready
    assert "is behind" in told.reasons[0]


def test_a_server_that_hangs_as_a_whole_is_given_up_also_while_its_log_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awake, "PATIENCE", 1.0)
    world.moved(SCHEMA, ROWS)
    follower = world.follower()
    follower.window = replace(follower.window, reader={**follower.window.reader, "connect_timeout": "2"})
    until(follower, lambda state: state.ready)
    world.run("UPDATE t SET words = 'changed'")
    everybody = [world.cluster.pid, *(pid for (pid,) in world.run("SELECT pid FROM pg_stat_activity"))]
    with suspended(*everybody):
        state = until(follower, lambda state: state.phase is Phase.STUCK)
        assert "PostgreSQL hangs: no new session within" in state.reasons[0]
    until(follower, lambda state: state.ready)


def test_a_way_back_that_takes_long_to_make_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "LATE", timedelta(0))
    world.moved(SCHEMA, ROWS)
    follower = world.follower()
    arm(follower)
    world.run("UPDATE t SET words = 'changed'")
    bring_back(follower, last=True)
    assert not follower.state.ready  # by now
