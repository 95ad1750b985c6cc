"""A full disk: no half backup is listed, nothing live is touched, and all is well once there is room."""

from pathlib import Path

import pytest

from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory
from tests.conftest import PASSABLE, TestDatabase
from tests.disks import small_disk
from tests.integration.backup.test_encryption import make_key
from tests.integration.backup.test_killed import content
from tests.integration.backup.test_restore import names
from tests.integration.backup.world import World, make_world
from tests.support import Opskit, query

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


@ENGINES
@pytest.mark.parametrize("room", [0, 48_000, 300_000])
def test_create(world: World, engine: str, room: int) -> None:
    world.use(engine)
    with small_disk(world.backups, 100) as disk:
        disk.fill(leave=room)
        result = world("create", "-o", "json")
        assert result.code or room, "something was stored on a full disk"
        if result.code:
            assert result.code in (2, 4), result.stderr
            assert world.names() == []
            assert not world.leftovers()
        disk.free()
        name = world.create()
        assert world("verify", name).code == 0
        assert not world.leftovers()


def test_restore_of_a_file(world: World) -> None:
    before = names(world.file)
    name = world.create()
    with small_disk(world.file.parent, 20) as disk:
        disk.fill(leave=100_000)
        result = world("restore", name, "--yes", "-o", "json")
        assert result.code in (4, 6), result.stderr
        assert names(world.file) == before
        assert not world.leftovers()
        disk.free()
        world.done("restore", name, "--yes")
        assert names(world.file) == before


def test_restore_of_a_database_on_the_servers_own_full_disk(opskit: Opskit, tmp_path: Path) -> None:
    """The room ends while the database is made, or its rows, or the log: the server may even go down."""
    with scratch_directory() as room, small_disk(room / "disk", 300, mode=PASSABLE) as disk:
        room.chmod(PASSABLE)
        with private_cluster(disk.root, settings={"max_wal_size": "32MB", "min_wal_size": "32MB"}) as cluster:
            world = world_on(cluster, opskit, tmp_path)
            before = content(world)
            name = world.create()
            for leave in (1_000_000, 12_000_000, 20_000_000):
                disk.fill(leave)
                result = world("restore", name, "--yes", "-o", "json")
                assert result.code in (4, 5), result
                disk.free()
                cluster.restart()
                assert content(world) == before
            world.done("restore", name, "--yes")
            assert content(world) == before
            assert not world.leftovers()


def world_on(cluster: PrivateCluster, opskit: Opskit, directory: Path) -> World:
    """The application on a server of its own, with some megabytes."""
    cluster.create_database("app")
    world = make_world(opskit, directory, cluster, TestDatabase("app", cluster.conninfo("app"), ""))
    world.use("postgresql")
    query(
        world.database,
        "CREATE TABLE wide AS SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 30000) n",
    )
    return world


def test_create_without_room_for_what_is_not_encrypted_yet(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, _ = make_key(tmp_path, "operator")
    world.configure(encrypt={"recipients_file": str(public)})
    temporary = tmp_path / "tmp"
    monkeypatch.setenv("TMPDIR", str(temporary))
    with small_disk(temporary, 100) as disk:
        disk.fill(leave=300_000)
        result = world("create", "-o", "json")
        assert result.code in (2, 4), result
        assert world.names() == []
        assert not world.leftovers()
        disk.free()
        world.create()
        assert not list(temporary.iterdir())


def test_prune_frees_a_full_disk(world: World) -> None:
    with small_disk(world.backups, 100) as disk:
        made = [world.create() for _ in range(3)]
        world.configure(keep={"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "floor": 1})
        disk.fill()
        world.done("prune", "--yes")
        assert world.names() == made[-1:]
