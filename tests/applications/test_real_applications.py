"""Applications that people run: their data moves, they run on PostgreSQL, everything is there and they go on.

Each is installed from the package index into a virtual environment of its own, about a minute for both;
OPSKIT_TEST_APPLICATIONS names the Python of an environment that has them already.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TestDatabase
from tests.support import Opskit, query

PROGRAMS = Path(__file__).parent / "programs"

PACKAGES = ("optuna", "mlflow", "psycopg2-binary")

PATIENCE = 300
"""Seconds that a program may take; the machine may be busy."""


@dataclass(frozen=True, slots=True)
class Application:
    """An application as its user runs it.

    Attributes:
        program: what its user does, as a program with verbs: create, dump, more.
        make_schema: the arguments for its Python that make its schema at a URL which follows.
    """

    program: Path
    make_schema: tuple[str, ...]


APPLICATIONS = {
    "optuna": Application(PROGRAMS / "optuna_studies.py", (str(PROGRAMS / "optuna_studies.py"), "schema")),
    "mlflow": Application(PROGRAMS / "mlflow_runs.py", ("-m", "mlflow", "db", "upgrade")),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python that has the applications, and a directory of its own for what they write."""

    python: Path
    home: Path

    def run(self, *arguments: str | Path) -> str:
        """What a Python program printed."""
        done = subprocess.run(
            [self.python, "-W", "ignore", *arguments],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "MLFLOW_DISABLE_TELEMETRY": "true"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    home = tmp_path_factory.mktemp("applications")
    given = os.environ.get("OPSKIT_TEST_APPLICATIONS")
    if given:
        return Environment(Path(given), home)
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True, timeout=PATIENCE)
    python = home / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, timeout=3 * PATIENCE)
    return Environment(python, home)


@dataclass(frozen=True, slots=True)
class Storage:
    """An application with data in a SQLite file, and all that it knows of it."""

    application: Application
    file: Path
    content: object


@pytest.fixture(scope="session", params=APPLICATIONS)
def storage(request: pytest.FixtureRequest, environment: Environment) -> Storage:
    application = APPLICATIONS[request.param]
    file = environment.home / f"{request.param}.db"
    url = f"sqlite:///{file}"
    environment.run(application.program, "create", url)
    return Storage(application, file, json.loads(environment.run(application.program, "dump", url)))


@pytest.fixture
def opskit(tmp_path: Path) -> Iterator[Opskit]:
    opskit = Opskit(tmp_path / "state")
    yield opskit
    opskit.kill()


def url_of(database: TestDatabase) -> str:
    """What SQLAlchemy wants to read."""
    return database.url.replace("postgresql://", "postgresql+psycopg2://", 1)


@pytest.mark.timeout(3 * PATIENCE)
@pytest.mark.parametrize("into_existing", [False, True], ids=["derived schema", "its own schema"])
def test_everything_is_there_and_the_application_goes_on(
    opskit: Opskit, database: TestDatabase, environment: Environment, storage: Storage, *, into_existing: bool
) -> None:
    # optuna's moments have no zone: what it reads depends on the session's, which docs/migrate.md tells
    query(database, f"ALTER DATABASE {database.name} SET timezone = 'UTC'")
    options = ["--into-existing"] if into_existing else []
    if into_existing:
        environment.run(*storage.application.make_schema, url_of(database))
    migrated = opskit("migrate", storage.file, database.url, *options, "-o", "json")
    assert migrated.code == 0, migrated.stdout
    verified = opskit("verify", storage.file, database.url, *options)
    assert verified.code == 0, verified.stdout
    program = storage.application.program
    assert json.loads(environment.run(program, "dump", url_of(database))) == storage.content
    environment.run(program, "more", url_of(database))
