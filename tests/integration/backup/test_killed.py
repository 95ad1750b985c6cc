"""kill -9 at every step: no half backup is ever listed, nothing live is touched, the next run cleans up."""

import signal

import apsw
import psycopg
import pytest

from tests.integration.backup.world import World
from tests.integration.migrate.kills import begun, kill_when, processes, soon, written
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


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_no_session_outlives_the_run(
    world: World, ending: signal.Signals, request: pytest.FixtureRequest
) -> None:
    """The dump waits for a lock when the end comes; a script's `&` started it, which ignores SIGQUIT."""
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    request.addfinalizer(lambda: signal.signal(signal.SIGQUIT, before))
    world.use("postgresql")
    sessions = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name IN ('opskit backup', 'pg_dump')"
    )
    with psycopg.connect(world.database.conninfo) as connection:
        connection.execute("LOCK TABLE users")
        process = world.start("create", "-o", "json")
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        assert soon(lambda: query(world.database, waiting) == [(True,)])
        process.send_signal(ending)
        process.communicate(timeout=60)
        assert process.returncode == (130 if ending is signal.SIGTERM else -ending)
        assert soon(lambda: query(world.database, sessions) == [(0,)])
    assert world.names() == []
    world.create()
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


def test_a_database_that_a_killed_restore_could_not_mark_is_known_by_its_journal(world: World) -> None:
    """It is made and then marked, and the kill may come between; nobody else's is taken for it."""
    world.use("postgresql")
    name = world.create()
    aside = f"opskit_restoring_{world.database.name}"
    query(world.database, f"CREATE DATABASE {aside}")
    refused = world("restore", name, "--yes", "-o", "json")
    assert (refused.code, refused.document["errors"][0]["code"]) == (6, "aside_exists")
    query(world.database, f"DROP DATABASE {aside}")
    assert kill_when(world.start("restore", name, "--yes"), begun(world.opskit, "restore the backup into"))
    assert soon(lambda: not processes(world.opskit))
    # the server ends what it was told, whoever told it
    making = f"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE%{aside}%' AND pid <> pg_backend_pid()"
    assert soon(lambda: not query(world.database, making))
    query(world.database, f"DROP DATABASE IF EXISTS {aside} WITH (FORCE)")
    query(world.database, f"CREATE DATABASE {aside}")
    world.done("restore", name, "--yes")
    world.drop_kept()
    assert not world.leftovers()


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
