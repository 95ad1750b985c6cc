"""A full disk: no half backup is listed, nothing live is touched, and all is well once there is room."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory
from tests.conftest import PASSABLE, TestDatabase
from tests.integration.backup.test_encryption import make_key
from tests.integration.backup.test_killed import content
from tests.integration.backup.test_restore import names
from tests.integration.backup.world import World, make_world
from tests.support import Opskit, query

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems")
ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[None]:
    """A file system of its own for what is in a directory."""
    directory.mkdir(exist_ok=True)
    kept = {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], check=True)
    try:
        for name, content in kept.items():
            (directory / name).write_bytes(content)
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def grow(directory: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=100m", directory], check=True)


def fill(directory: Path, leave: int) -> Path:
    """Takes all room but so many bytes."""
    file = directory / "full"
    room = os.statvfs(directory)
    try:
        file.write_bytes(bytes(room.f_bavail * room.f_frsize - leave))
    except OSError:  # a server has written meanwhile: all that was left is taken
        os.truncate(file, max(0, file.stat().st_size - leave))
    return file


@ENGINES
@pytest.mark.parametrize("size", ["48k", "300k"])
def test_create(world: World, engine: str, size: str) -> None:
    world.use(engine)
    with small_disk(world.backups, size):
        result = world("create", "-o", "json")
        if result.code:
            assert result.code in (2, 4), result.stderr
            assert world.names() == []
            assert not world.leftovers()
        grow(world.backups)
        name = world.create()
        assert world("verify", name).code == 0
        assert not world.leftovers()


def test_restore_of_a_file(world: World) -> None:
    before = names(world.file)
    name = world.create()
    with small_disk(world.file.parent, "10m"):
        taken = fill(world.file.parent, 100_000)
        result = world("restore", name, "--yes", "-o", "json")
        assert result.code in (4, 6), result.stderr
        assert names(world.file) == before
        assert not world.leftovers()
        taken.unlink()
        world.done("restore", name, "--yes")
        assert names(world.file) == before


def test_restore_of_a_database_on_the_servers_own_full_disk(opskit: Opskit, tmp_path: Path) -> None:
    """The room ends while the database is made, or its rows, or the log: the server may even go down."""
    with scratch_directory() as room, small_disk(room / "disk", "300m"):
        mounted = room / "disk"
        for directory in (room, mounted):
            directory.chmod(PASSABLE)
        with private_cluster(mounted, settings={"max_wal_size": "32MB", "min_wal_size": "32MB"}) as cluster:
            world = world_on(cluster, opskit, tmp_path)
            before = content(world)
            name = world.create()
            for leave in (1_000_000, 12_000_000, 20_000_000):
                taken = fill(mounted, leave)
                result = world("restore", name, "--yes", "-o", "json")
                assert result.code in (4, 5), result
                taken.unlink()
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
    with small_disk(temporary, "300k"):
        result = world("create", "-o", "json")
        assert result.code in (2, 4), result
        assert world.names() == []
        assert not world.leftovers()
        grow(temporary)
        world.create()
        assert not list(temporary.iterdir())


def test_prune_frees_a_full_disk(world: World) -> None:
    with small_disk(world.backups, "100m"):
        made = [world.create() for _ in range(3)]
        world.configure(keep={"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "floor": 1})
        fill(world.backups, 0)
        world.done("prune", "--yes")
        assert world.names() == made[-1:]
