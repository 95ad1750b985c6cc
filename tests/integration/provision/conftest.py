"""A server of one's own for what provision does to a whole server: roles, access files."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.host.files import read_state, write_whole
from opskit.host.private_cluster import PrivateCluster, private_cluster
from tests.conftest import FAST_AND_FAR
from tests.integration.provision.world import ROLES, World

PREPARED = "".join(f"opskit {getpass.getuser()} {role}\n" for role in ROLES if role != "crewai_user")
"""Tests may run as anybody: the account that they run as is what root is on a host."""


@pytest.fixture(scope="package")
def server() -> Iterator[PrivateCluster]:
    """A private cluster whose log holds every statement."""
    settings = {**FAST_AND_FAR, "log_statement": "all", "log_min_messages": "info", "timezone": "UTC"}
    with private_cluster(settings=settings, password=True) as cluster:
        yield cluster


@pytest.fixture
def world(server: PrivateCluster, tmp_path: Path) -> Iterator[World]:
    """The server, the application's configuration, and everything put back at the end."""
    data = server.socket_directory / "data"
    before = {name: read_state(data / name) for name in ("pg_hba.conf", "pg_ident.conf")}
    env_file = tmp_path / ".env"
    env_file.write_text("DATABASE_TYPE=sqlite\nPOSTGRES_PASSWORD=Geheim-_0123456789abcdefghijklmn\n")
    (data / "pg_ident.conf").write_text(PREPARED)
    world = World(server, env_file)
    yield world
    with world.admin("postgres") as connection:
        world.clear(connection)
    for name, was in before.items():
        assert was is not None
        write_whole(data / name, was.content, mode=was.mode, owner=was.owner, group=was.group)
    with world.admin("postgres") as connection:
        connection.execute("SELECT pg_reload_conf()")
