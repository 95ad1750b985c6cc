"""A rollback is rehearsed beside the running application, and others are told how that went."""

from typing import Any

import psycopg

from tests.integration.switch.world import NAMES, World

REHEARSE = ("rollback", "--rehearse")


def test_a_rehearsal_that_works_is_told_with_its_duration(world: World) -> None:
    world.start()
    world.follow()
    assert world.run("cutover", "--yes").code == 0
    done = world.run(*REHEARSE)
    assert done.code == 0, done.stderr
    pauses = {one["name"]: one["pause"] for one in done.document["result"]["databases"]}
    assert {name: one["seconds"] for name, one in told(world).items()} == {
        name: round(seconds, 3) for name, seconds in pauses.items()
    }
    assert world.status()["problems"] == []
    assert [one.name for one in world.opskit.state_dir.glob("*.scratch")] == []


def test_one_that_fails_is_told_with_its_reason_and_the_others_are_rehearsed(world: World) -> None:
    world.start()
    world.follow()
    assert world.run("cutover", "--yes").code == 0
    with psycopg.connect(world.cluster.conninfo(world.databases["main"]), autocommit=True) as connection:
        connection.execute("DROP TABLE log")
    failed = world.run(*REHEARSE)
    assert failed.code == 1
    assert "log" in failed.error["message"]
    assert {name: one["ok"] for name, one in told(world).items()} == {"main": False, "walmart": True}
    assert "log" in told(world)["main"]["failure"]


def test_while_the_application_is_on_sqlite_there_is_nothing_to_rehearse(world: World) -> None:
    world.start()
    assert world.run(*REHEARSE).code == 0
    world.follow()
    assert world.run("cutover", "--yes").code == 0
    assert world.run(*REHEARSE).code == 0
    assert set(told(world)) == set(NAMES)
    assert world.run("rollback", "--yes").code == 0
    quiet = world.run(*REHEARSE)
    assert (quiet.code, quiet.document["warnings"]) == (0, [])
    assert told(world) == {}


def told(world: World) -> dict[str, Any]:
    """What `opskit status` says of the last rehearsal of each database."""
    databases = world.status()["databases"]
    return {one["database"]: one["rehearsal"] for one in databases if one["rehearsal"]}
