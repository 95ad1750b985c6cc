"""A server as `opskit provision` leaves it, with two databases for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.processes import sees_all
from tests.conftest import FAST_AND_FAR
from tests.integration.switch.world import NAMES, World

LOGICAL = {
    **FAST_AND_FAR,
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_prepared_transactions": "5",
}

_ROLES = """
CREATE ROLE application LOGIN;
CREATE ROLE opskit_owner LOGIN IN ROLE application;
CREATE ROLE opskit_standby LOGIN REPLICATION;
GRANT SET ON PARAMETER session_replication_role TO opskit_owner;
"""
_RIGHTS = """
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO opskit_owner;
GRANT USAGE, CREATE ON SCHEMA public TO application;
GRANT USAGE ON SCHEMA public TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON TABLES TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON SEQUENCES TO opskit_standby;
"""


@pytest.fixture(scope="session")
def server() -> Iterator[PrivateCluster]:
    if not sees_all():
        pytest.skip("who has a file open is seen by root only")
    with private_cluster(settings=LOGICAL) as cluster:
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(_ROLES)
        yield cluster


@pytest.fixture
def world(server: PrivateCluster, tmp_path: Path) -> Iterator[World]:
    """An application on SQLite that PostgreSQL does not follow yet."""
    databases = {name: f"{name}_{os.urandom(4).hex()}" for name in NAMES}
    for database in databases.values():
        server.create_database(database, "opskit_owner")
        _grant(server, database)
    world = World(server, databases, tmp_path)
    yield world
    world.close()
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        for database in databases.values():
            drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s"
            connection.execute(drop, (database,))
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


def _grant(server: PrivateCluster, database: str) -> None:
    name = sql.Identifier(database)
    with psycopg.connect(server.conninfo(database), autocommit=True) as connection:
        connection.execute(_RIGHTS)
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO application, opskit_standby").format(name)
        )
