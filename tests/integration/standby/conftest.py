"""A server that keeps what logical decoding needs, with the roles that `opskit provision` makes."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.conftest import FAST_AND_FAR
from tests.integration.standby.world import World

LOGICAL = {**FAST_AND_FAR, "wal_level": "logical", "max_replication_slots": "20", "max_wal_senders": "20"}

_ROLES = """
CREATE ROLE opskit_owner LOGIN;
CREATE ROLE opskit_standby LOGIN REPLICATION;
CREATE ROLE application LOGIN;
"""
_RIGHTS = """
GRANT CREATE, USAGE ON SCHEMA public TO opskit_owner, application;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner
    GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES TO application;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner GRANT USAGE ON SEQUENCES TO application;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON TABLES TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON SEQUENCES TO opskit_standby;
"""


@pytest.fixture(scope="session")
def logical() -> Iterator[PrivateCluster]:
    with private_cluster(settings=LOGICAL) as cluster:
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(_ROLES)
        yield cluster


@pytest.fixture
def world(logical: PrivateCluster, tmp_path: Path) -> Iterator[World]:
    """An application that has moved: its SQLite file, and a PostgreSQL database of its own."""
    name = f"test_{os.urandom(4).hex()}"
    logical.create_database(name, "opskit_owner")
    with psycopg.connect(logical.conninfo(name), autocommit=True) as connection:
        connection.execute(_RIGHTS)
    world = World(logical, name, tmp_path)
    yield world
    world.close()
    with psycopg.connect(logical.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = %s", (name,)
        )
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s",
            (name,),
        )
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
