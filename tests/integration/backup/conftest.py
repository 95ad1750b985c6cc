"""The application whose databases are backed up."""

from pathlib import Path

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.integration.backup.world import World, make_world
from tests.support import Opskit


@pytest.fixture
def world(opskit: Opskit, tmp_path: Path, postgresql: PrivateCluster, database: TestDatabase) -> World:
    """The application on SQLite."""
    return make_world(opskit, tmp_path, postgresql, database)
