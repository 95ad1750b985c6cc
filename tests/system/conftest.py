"""A booted Debian for every module, and the project as a newcomer gets it: by git clone."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opskit.demo.sample_data import generate
from opskit.host.commands import run
from tests.system import debian as container
from tests.system.debian import Debian

CHECKOUT = Path(__file__).parents[2]
CLONE = "/root/opskit"
FETCHED = ("postgresql-15", "logrotate", "age", "pgbackrest")
"""What provision will install."""

ENVIRONMENT = """\
# CrewAI Team
NODE_ENV=production
export SQLITE_DATABASE_PATH='./data/crewai_enhanced.db' # main
WALMART_DB_PATH="./data/walmart_grocery.db"
POSTGRES_HOST=db.example
"""


@pytest.fixture(scope="module")
def debian() -> Iterator[Debian]:
    """A freshly booted Debian 12 that has nothing but git, with the project's repository in /srv."""
    need_containers()
    with alone_on_the_network(), container.booted() as debian:
        bring_repository(debian)
        yield debian


@contextmanager
def alone_on_the_network() -> Iterator[None]:
    """Who shares the host’s network goes one after the other: test processes may be several."""
    with (Path(tempfile.gettempdir()) / "opskit-system-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def clone(debian: Debian) -> str:
    """The clone's path in the container."""
    debian.run(["git", "clone", "--quiet", "/srv/opskit.git", CLONE])
    return CLONE


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a halted Debian with opskit by scripts/install, and PostgreSQL's packages fetched.

    Copies of it boot without a network, so that any number of them may run side by side.
    """
    need_containers()
    root = tmp_path_factory.mktemp("installed") / "debian"
    with container.booted() as debian:
        bring_repository(debian)
        debian.run(["git", "clone", "--quiet", "/srv/opskit.git", CLONE])
        debian.run(["./scripts/install"], cwd=CLONE)
        debian.run(["apt-get", "-qq", "update"])
        debian.run(["apt-get", "-qq", "--yes", "install", "curl"])
        debian.run(["apt-get", "-qq", "--yes", "--download-only", "install", *FETCHED])
        debian.halt()
        debian.root.rename(root)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def host(installed: Path) -> Iterator[Debian]:
    """A booted copy of `installed` with a network of its own, and the application of the guide in /srv."""
    with container.booted(installed, network=False) as debian:
        bring_application(debian)
        yield debian


def need_containers() -> None:
    """Skip where none can be booted; in CI that is a failure."""
    if reason := container.missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def bring_repository(debian: Debian) -> None:
    """The project's repository, as of the last commit."""
    run(["git", "clone", "--quiet", "--bare", CHECKOUT, debian.root / "srv/opskit.git"])


def bring_application(debian: Debian) -> None:
    """An application with an account, a `.env` that anybody may read, and two SQLite files of its own."""
    debian.run(["useradd", "--system", "--create-home", "--home-dir=/srv/crewai", "crewai"])
    debian.write("/srv/crewai/.env", ENVIRONMENT)
    (debian.root / "srv/crewai/data").mkdir()
    generate(debian.root / "srv/crewai/data", 2000)
    debian.run(["chown", "--recursive", "crewai:", "/srv/crewai"])
