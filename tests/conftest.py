"""Real servers for every test that needs one: a private PostgreSQL cluster for the whole session."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from opskit.errors import Refused
from opskit.host.commands import run
from opskit.host.postgresql_programs import find_programs
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory

# The same examples at every run, however slow the machine; `--hypothesis-profile=default` looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

# `nohup` and a script's `&` leave these ignored, which every process of the tests would inherit.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

PASSABLE = 0o711

FAST_AND_FAR = {
    "fsync": "off",
    "synchronous_commit": "off",
    "timezone": "America/New_York",  # neither UTC nor this host's: a mistake with zones shows
    "max_connections": "200",
}


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """A fresh, empty PostgreSQL database: its name, libpq's keyword string and the URL for it."""

    __test__ = False  # a value, not a test class

    name: str
    conninfo: str
    url: str


def pytest_configure(config: pytest.Config) -> None:
    """Leave nothing in the temporary directory; `--basetemp DIR` keeps the tests' files for a look."""
    if config.option.basetemp is None:
        scratch = ExitStack()
        directory = scratch.enter_context(scratch_directory())
        directory.chmod(PASSABLE)
        config.option.basetemp = directory / "tests"
        config.add_cleanup(scratch.close)


@pytest.fixture(scope="session", autouse=True)
def _passable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Servers run under another account, and go through to the directory of a test that lets them in."""
    base = tmp_path_factory.getbasetemp()
    for directory in (base, base.parent) if "PYTEST_XDIST_WORKER" in os.environ else (base,):
        directory.chmod(PASSABLE)


def pytest_report_header() -> str:
    try:
        return f"server: {run([find_programs() / 'postgres', '--version']).strip()}"
    except Refused as missing:
        return f"server: none, {missing}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivateCluster]:
    """One cluster for the session, on a unix socket without passwords and on 127.0.0.1 with them."""
    try:
        find_programs()
    except Refused as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    with private_cluster(settings=FAST_AND_FAR, password=True) as cluster:
        yield cluster


@pytest.fixture
def database(postgresql: PrivateCluster) -> Iterator[TestDatabase]:
    """A fresh database, dropped at the end with whoever is still connected to it."""
    name = f"test_{os.urandom(4).hex()}"
    postgresql.create_database(name)
    address = urlencode({"host": str(postgresql.socket_directory), "port": postgresql.port})
    yield TestDatabase(
        name=name,
        conninfo=postgresql.conninfo(name),
        url=f"postgresql://{quote(postgresql.superuser)}@/{quote(name)}?{address}",
    )
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """pytest's own, emptied after the test: sources, copies and backups of all tests come to gigabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """The path of a SQLite file that does not exist yet."""
    return tmp_path / "source.db"
