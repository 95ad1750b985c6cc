"""A kill at any entry of the journal: what follows goes on or back, nothing is lost, one side at most open.

Some of the places are tried by default, all of them with OPSKIT_KILLS=all.
"""

import os

import pytest

from tests.integration.switch import application
from tests.integration.switch.world import NAMES, World
from tests.support import Result

CUTOVER, ROLLBACK = 24, 18
"""How many steps they have."""

SWITCHED = 32
"""Behind this entry of a cutover, `.env` names PostgreSQL, which is not open yet."""

EVERY = os.environ.get("OPSKIT_KILLS") == "all"


def entries(steps: int, some: set[int]) -> list[int]:
    """After which entries of the journal to kill: the intent and the end of each step."""
    return [one for one in range(1, 2 * steps + 1) if EVERY or one in some]


def assert_one_side_at_most(world: World, *, closed: bool = True) -> None:
    """Never are both sides open, once the switch has closed PostgreSQL."""
    for name in NAMES:
        assert not closed or len(world.writable(name)) <= 1, name


def assert_settled(world: World, side: str) -> None:
    """The world is of one mind, and nothing that was acknowledged is missing."""
    status = world.status()
    assert status["problems"] == []
    assert {one["authoritative"] for one in status["databases"]} == {side}
    assert [world.writable(name) for name in NAMES] == [{side}, {side}]
    assert world.lost(side) == []


def succeeds(done: Result) -> None:
    assert done.code == 0, done.stdout + done.stderr


def test_a_cutover_that_is_killed_before_the_point_can_be_put_back(world: World) -> None:
    world.start()
    world.follow()
    passed = False
    for entry in entries(CUTOVER, {1, 8, 12, 15, 17, 20, 24, 29}):
        killed = world.killed(entry, "cutover", "--yes")
        assert killed.code == -9, (entry, killed.stdout, killed.stderr)
        assert_one_side_at_most(world, closed=entry >= 6)
        put_back = world.run("cutover", "--abort")
        if put_back.code == 6:
            assert put_back.error["code"] == "point_passed"
            passed = True
            break
        succeeds(put_back)
        if entry >= 6:
            assert_settled(world, "sqlite")
    assert passed or not EVERY
    if passed:
        succeeds(world.run("cutover", "--resume"))
        assert_settled(world, "postgresql")


@pytest.mark.parametrize(
    "entry", entries(CUTOVER, {9, 17, 19, 31, 33, 39, 45}), ids=lambda entry: f"entry {entry}"
)
def test_a_cutover_that_is_killed_goes_on_and_so_does_its_rollback(world: World, entry: int) -> None:
    world.start()
    world.follow()
    assert world.killed(entry, "cutover", "--yes").code == -9
    assert_one_side_at_most(world, closed=entry >= 6)
    succeeds(world.run("cutover", "--resume"))
    assert_settled(world, "postgresql")
    if entry <= 2 * ROLLBACK:
        assert world.killed(entry, "rollback", "--yes").code == -9
        assert_one_side_at_most(world)
        succeeds(world.run("rollback", "--resume"))
        assert_settled(world, "sqlite")


def test_a_rollback_that_is_killed_before_the_point_can_be_put_back(world: World) -> None:
    world.start()
    world.follow()
    succeeds(world.run("cutover", "--yes"))
    for entry in entries(ROLLBACK, {1, 3, 5, 8, 12, 14, 16, 19}):
        killed = world.killed(entry, "rollback", "--yes")
        assert killed.code == -9, (entry, killed.stdout, killed.stderr)
        assert_one_side_at_most(world)
        put_back = world.run("rollback", "--abort")
        if put_back.code == 6:
            assert put_back.error["code"] == "point_passed"
            break
        succeeds(put_back)
        assert_settled(world, "postgresql")
    else:
        return
    succeeds(world.run("rollback", "--resume"))
    assert_settled(world, "sqlite")


def test_what_a_boot_has_started_meanwhile_is_started_anew_when_a_cutover_is_put_back(world: World) -> None:
    world.start()
    world.follow()
    assert world.killed(SWITCHED, "cutover", "--yes").code == -9
    world.start()  # by the .env of the other side, which it does not read again
    begun = application.running(world.application)
    succeeds(world.run("cutover", "--abort"))
    assert application.running(world.application) not in (None, begun)
    assert_settled(world, "sqlite")
