"""A PostgreSQL of the exporter's tests' own, because they stop, hang and restart it."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from opskit.errors import Refused
from opskit.host.postgresql_programs import find_programs
from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.integration.exporter.world import Exporter, World, make_world, running


@pytest.fixture(scope="package")
def cluster() -> Iterator[PrivateCluster]:
    try:
        find_programs()
    except Refused as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    with private_cluster(settings={"fsync": "off"}, password=True) as cluster:
        for name in ("main", "walmart"):
            cluster.create_database(name)
            with psycopg.connect(cluster.conninfo(name), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION pg_stat_statements")
                connection.execute("CREATE TABLE users (id bigint PRIMARY KEY, name text)")
                connection.execute("INSERT INTO users VALUES (1, 'a'), (2, 'b')")
        yield cluster


@pytest.fixture
def world(tmp_path: Path, cluster: PrivateCluster) -> World:
    """Both databases live in SQLite, until a test says otherwise."""
    return make_world(tmp_path, cluster)


@pytest.fixture
def exporter(world: World) -> Iterator[Exporter]:
    with running(world) as exporter:
        yield exporter


@pytest.fixture
def on_postgresql(world: World, exporter: Exporter) -> Exporter:
    """The exporter, both databases living in PostgreSQL."""
    world.use("postgresql")
    return exporter
