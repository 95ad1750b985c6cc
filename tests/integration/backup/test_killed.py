"""kill -9 at every step: no half backup is ever listed, nothing live is touched, the next run cleans up."""

import apsw
import pytest

from tests.integration.backup.world import World
from tests.integration.migrate.kills import kill_when, written
from tests.support import query

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def kill_at_every_line(world: World, *arguments: str) -> int:
    """Starts a command again and again, and kills it one line of its journal later each time."""
    lines = 0
    while True:
        lines += 1
        process = world.start(*arguments)
        if not kill_when(process, written(world.opskit, lines)):
            assert process.returncode == 0
            return lines
        for name in world.names():
            assert world("verify", name).code == 0


def content(world: World) -> list[tuple[object, ...]]:
    """What the application sees."""
    if world.engine == "postgresql":
        return query(world.database, "SELECT * FROM users ORDER BY id")
    connection = apsw.Connection(str(world.file))
    try:
        return list(connection.execute("SELECT id, quote(photo), weight FROM users ORDER BY id"))
    finally:
        connection.close()


def change(world: World) -> None:
    """Something that the backups do not have."""
    if world.engine == "postgresql":
        query(world.database, "UPDATE users SET name = 'later' WHERE id < 10")
        return
    connection = apsw.Connection(str(world.file))
    connection.execute("UPDATE users SET weight = -1 WHERE id < 10")
    connection.close()


@ENGINES
def test_create(world: World, engine: str) -> None:
    world.use(engine)
    assert kill_at_every_line(world, "create") > 5
    assert not world.leftovers()


@ENGINES
def test_restore(world: World, engine: str) -> None:
    world.use(engine)
    name = world.create()
    before = content(world)
    change(world)
    changed = content(world)
    lines = 0
    while True:
        lines += 1
        process = world.start("restore", name, "--yes")
        killed = kill_when(process, written(world.opskit, lines))
        if not killed:
            break
        assert content(world) in (before, changed)
    assert process.returncode == 0
    assert lines > 5
    assert content(world) == before
    assert not world.leftovers()
    world.drop_kept()


def test_prune(world: World) -> None:
    names = [world.create() for _ in range(4)]
    world.configure(keep={"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "floor": 1})
    for lines in range(1, 8):
        kill_when(world.start("prune", "--yes"), written(world.opskit, lines))
        assert set(world.names()) <= set(names)
        for name in world.names():
            assert world("verify", name).code == 0
    world.done("prune", "--yes")
    assert world.names() == names[-1:]
    assert not world.leftovers()
    assert {one.stem for one in (world.backups / "records").iterdir()} <= set(names[-1:])
