"""Troubles of the host: a stopped cluster, a full disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opskit.host.commands import run
from tests.integration.doctor.world import World
from tests.support import make_sqlite

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes clusters and mounts file systems")


@contextmanager
def mounted(directory: Path, *options: str) -> Iterator[Path]:
    """A small file system of its own."""
    directory.mkdir()
    run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", directory])
    try:
        yield directory
    finally:
        run(["umount", "--lazy", directory])


@pytest.fixture
def stopped_cluster(world: World, no_clusters: Path) -> Iterator[str]:
    """A cluster of Debian's kind at the port that the application uses, made and not started."""
    world.server.stop()
    words = ["--port", str(world.server.port), "--datadir", no_clusters / "data"]
    run(["pg_createcluster", *words, "15", "trouble", "--", "--no-sync"])
    yield "15-trouble"
    run(["pg_dropcluster", "15", "trouble"])


def test_a_stopped_cluster_is_told_with_its_unit(world: World, stopped_cluster: str) -> None:
    finding = world.only()
    assert (finding.code, finding.what) == ("server_down", "the cluster 15/trouble is stopped")
    assert (finding.remedy, finding.fixable) == (f"systemctl start postgresql@{stopped_cluster}", True)


@pytest.mark.parametrize("full", ["bytes", "inodes"])
def test_a_disk_that_is_nearly_full(world: World, full: str) -> None:
    options = ("size=2m",) if full == "bytes" else ("size=8m", "nr_inodes=8")
    with mounted(world.directory / "disk", *options) as disk:
        file = make_sqlite(disk / "main.db", "CREATE TABLE users (id INTEGER)")
        world.sqlite().unlink()
        world.sqlite().symlink_to(file)
        configuration = world.directory / "opskit.yaml"
        configuration.write_text(configuration.read_text().replace("main.db", str(file)))
        assert world.findings() == ()
        if full == "bytes":
            (disk / "ballast").write_bytes(
                bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - 8192)
            )
        else:
            for number in range(os.statvfs(disk).f_favail):
                (disk / str(number)).touch()
        finding = world.only()
    assert (finding.code, finding.where, finding.fixable) == ("disk_space", str(disk), False)
    assert finding.remedy.startswith(f"du --one-file-system --human-readable --max-depth=2 {disk}")
