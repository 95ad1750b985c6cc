"""Cutover and rollback end to end: two databases, a running application, nothing lost."""

import time
from collections.abc import Callable
from typing import Any

import apsw
import psycopg
import pytest

from tests.integration.switch.world import NAMES, World

DOWN = {"OPSKIT_POSTGRESQL__PORT": "1"}
"""An opskit that finds no server."""


def moved(world: World) -> None:
    """The application runs on PostgreSQL."""
    world.start()
    world.follow()
    done = world.run("cutover", "--yes")
    assert done.code == 0, done.stderr


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_application_moves_and_comes_back_with_every_acknowledged_write(world: World) -> None:
    moved(world)
    time.sleep(0.5)
    assert world.authorities() == {"postgresql"}
    assert world.status()["problems"] == []
    assert [world.writable(name) for name in NAMES] == [{"postgresql"}] * 2
    assert world.lost("postgresql") == []

    back = world.run("rollback", "--yes")
    assert back.code == 0, back.stderr
    time.sleep(0.5)
    assert world.status()["problems"] == []
    assert [world.writable(name) for name in NAMES] == [{"sqlite"}] * 2
    assert world.lost("sqlite") == []
    assert world.schema("main") == world.first_schema


def test_after_coming_back_the_application_can_move_again(world: World) -> None:
    moved(world)
    assert world.run("rollback", "--yes").code == 0
    moved(world)
    time.sleep(0.5)
    assert world.lost("postgresql") == []
    assert world.run("rollback", "--yes").code == 0
    assert world.lost("sqlite") == []


def test_the_report_says_what_was_compared_beside_the_application_and_what_in_the_pause(world: World) -> None:
    world.start()
    world.follow()
    by_log = {"OPSKIT_ROLLBACK__SMALL": "0"}
    for command in ("cutover", "rollback"):
        done = world.run_with(by_log, command, "--yes").document["result"]
        assert done["pause_seconds"] == pytest.approx(_in_pause(done), abs=0.1)
        for name in NAMES:
            assert done["compared"][name]["beside"]
            assert done["compared"][name]["whole"] == ["log"]  # which has no key


def _in_pause(done: dict[str, Any]) -> float:
    titles = [*done["seconds"]]
    ends = [at for at, title in enumerate(titles) if title.startswith(("stop the app", "start the app"))]
    return sum(done["seconds"][title] for title in titles[ends[0] + 1 : ends[1]])


def test_a_stray_process_is_told_where_the_data_is(world: World) -> None:
    moved(world)
    stray = apsw.Connection(str(world.file("main")))
    try:
        for statement in ("INSERT OR IGNORE INTO items (name) VALUES ('stray')", "DELETE FROM log"):
            with pytest.raises(
                apsw.ConstraintError, match=f"PostgreSQL database {world.databases['main']} on"
            ):
                stray.execute(statement)
    finally:
        stray.close()


def test_a_cutover_is_refused_while_postgresql_does_not_follow(world: World) -> None:
    refused = world.run("cutover", "--yes")
    assert refused.code == 6
    assert {one["code"] for one in refused.document["errors"]} == {"not_followed"}


def test_nobody_switches_without_being_asked(world: World) -> None:
    world.follow()
    assert world.run("cutover").code == 6
    assert world.run("cutover", "--plan").code == 3
    assert world.authorities() == {"sqlite"}


def test_an_application_that_does_not_let_go_is_started_again_on_sqlite(world: World) -> None:
    world.start()
    world.follow()
    holder = apsw.Connection(str(world.file("walmart")))
    holder.execute("SELECT * FROM items").fetchall()
    try:
        back = world.run_with({"OPSKIT_APPLICATION__PATIENCE": "1s"}, "cutover", "--yes")
    finally:
        holder.close()
    assert back.code == 4
    assert back.error["code"] == "sqlite_held"
    assert world.status()["problems"] == []
    assert world.lost("sqlite") == []


def test_an_application_that_is_not_well_on_postgresql_can_go_back_or_be_waited_for(world: World) -> None:
    world.start()
    world.follow()
    ill = {"OPSKIT_APPLICATION__PATIENCE": "1s", "OPSKIT_APPLICATION__URL": "http://127.0.0.1:1/health"}
    stuck = world.run_with(ill, "cutover", "--yes")
    assert stuck.code == 5
    assert "opskit rollback" in stuck.document["errors"][-1]["hint"]
    assert world.run("cutover", "--yes").error["code"] == "run_open"
    assert world.run("cutover", "--abort").error["code"] == "point_passed"
    back = world.run("rollback", "--yes")
    assert back.code == 0, back.stderr
    assert world.status()["problems"] == []
    assert world.lost("sqlite") == []


def test_a_rollback_is_rehearsed_beside_the_running_application(world: World) -> None:
    moved(world)
    rehearsed = world.run("rollback", "--rehearse")
    assert rehearsed.code == 0, rehearsed.stderr
    assert {one["name"] for one in rehearsed.document["result"]["databases"]} == set(NAMES)
    assert world.status()["problems"] == []
    assert world.run("rollback", "--yes").code == 0
    assert world.lost("sqlite") == []


def test_without_postgresql_the_files_are_taken_of_the_moment_that_is_told(world: World) -> None:
    moved(world)
    world.stop()
    standby = world.opskit.start("standby", "run", "--config", world.configuration)
    time.sleep(0.5)
    eventually(lambda: all(one["standby"]["ready"] for one in world.status()["databases"]))
    time.sleep(1.5)
    standby.terminate()
    standby.communicate()

    planned = world.run_with(DOWN, "rollback", "--plan")
    assert "do not come back" in planned.document["result"]["plan"]["told"][1]
    back = world.run_with(DOWN, "rollback", "--yes")
    assert back.code == 0, back.stderr
    assert world.lost("sqlite") == []

    assert any("both sides can be written" in one for one in world.status()["problems"])
    assert world.run("rollback", "--yes").code == 0
    assert world.status()["problems"] == []
    assert [world.writable(name) for name in NAMES] == [{"sqlite"}] * 2


def test_a_prepared_transaction_of_the_application_keeps_postgresql_from_being_left(world: World) -> None:
    moved(world)
    with psycopg.connect(world.conninfo("main"), autocommit=True) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO items (name, value) VALUES ('waits', 1)")
        connection.execute("PREPARE TRANSACTION 'waits'")
    stuck = world.run_with({"OPSKIT_APPLICATION__PATIENCE": "2s"}, "rollback", "--yes")
    assert stuck.code == 4
    assert stuck.error["code"] == "sessions_left"
    assert world.writable("main") == {"postgresql"}
    with psycopg.connect(world.conninfo("main"), autocommit=True) as connection:
        connection.execute("COMMIT PREPARED 'waits'")
    assert world.run("rollback", "--yes").code == 0
    assert world.items("main", "sqlite")["waits"] == 1


def test_what_postgresql_refuses_on_the_way_is_told_and_put_back(world: World) -> None:
    world.start()
    world.follow()
    with psycopg.connect(world.cluster.conninfo(world.databases["main"]), autocommit=True) as admin:
        admin.execute("ALTER TABLE items DROP COLUMN value")
    back = world.run("cutover", "--yes")
    assert back.code == 4, back.stderr
    assert "value" in back.error["message"]
    assert world.status()["problems"] == []
    assert world.lost("sqlite") == []
