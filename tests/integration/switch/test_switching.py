"""Cutover and rollback end to end: two databases, a running application, nothing lost."""

import time

from tests.integration.switch.world import NAMES, World


def test_the_application_moves_and_comes_back_with_every_acknowledged_write(world: World) -> None:
    world.start()
    world.follow()
    moved = world.run("cutover", "--yes")
    assert moved.code == 0, moved.stderr
    time.sleep(0.5)
    assert world.authorities() == {"postgresql"}
    assert world.status()["problems"] == []
    assert all(world.writable(name) == {"postgresql"} for name in NAMES)
    assert world.lost("postgresql") == []

    back = world.run("rollback", "--yes")
    assert back.code == 0, back.stderr
    time.sleep(0.5)
    assert world.status()["problems"] == []
    assert all(world.writable(name) == {"sqlite"} for name in NAMES)
    assert world.lost("sqlite") == []
