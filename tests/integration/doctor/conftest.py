"""A server that the doctor's tests may break."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory
from tests.integration.doctor.world import World, build, demolish


@pytest.fixture(scope="package")
def server() -> Iterator[PrivateCluster]:
    """One for all of these tests, with SCRAM on 127.0.0.1."""
    settings = {"fsync": "off", "max_connections": "20", "lc_messages": "C"}
    with private_cluster(settings=settings, password=True) as cluster:
        yield cluster


@pytest.fixture
def no_clusters(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Debian's clusters of this host are not seen; the directory is where others may be made."""
    with scratch_directory() as root:
        root.chmod(0o755)
        monkeypatch.setenv("PG_CLUSTER_CONF_ROOT", str(root))
        yield root


@pytest.fixture
def world(server: PrivateCluster, tmp_path: Path, no_clusters: Path) -> Iterator[World]:
    """All is well, until a test plants its trouble."""
    built = build(server, tmp_path)
    yield built
    server.start()
    demolish(built)
