"""An application as the doctor's guide has it: two databases on both sides, on a server of the tests' own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from opskit.config import Loaded, load
from opskit.config.env_text import with_values
from opskit.doctor.diagnosis import diagnose
from opskit.doctor.examine import examine
from opskit.doctor.findings import Finding
from opskit.host.private_cluster import PrivateCluster
from tests.support import make_sqlite

PASSWORD = "pass-word_4711"
NAMES = ("main", "walmart")


@dataclass(frozen=True, slots=True)
class World:
    """An application's directory, and its server."""

    server: PrivateCluster
    directory: Path

    @property
    def env(self) -> Path:
        """The application's `.env`."""
        return self.directory / ".env"

    @property
    def hba(self) -> Path:
        """The server's access rules."""
        return self.server.socket_directory / "data" / "pg_hba.conf"

    def sqlite(self, name: str = "main") -> Path:
        """The SQLite file of a database."""
        return self.directory / f"{name}.db"

    def loaded(self) -> Loaded:
        """The configuration as it is read."""
        return load(self.directory / "opskit.yaml", {"OPSKIT_STATE_DIR": str(self.directory / "state")})

    def findings(self) -> tuple[Finding, ...]:
        """What the doctor finds, drift apart: this host is not the tests' to judge."""
        return diagnose(examine(self.loaded()))

    def only(self) -> Finding:
        """The one finding there is; the password is in none."""
        found = self.findings()
        assert PASSWORD not in repr(found)
        assert len(found) == 1, found
        return found[0]

    def set(self, **values: str) -> None:
        """Sets keys of the `.env`."""
        self.env.write_text(with_values(self.env.read_text(), values))

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Runs statements as the superuser."""
        with psycopg.connect(self.server.conninfo(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextmanager
    def access_rules(self, *lines: str) -> Iterator[None]:
        """For the block the server admits by these lines alone, and the superuser."""
        before = self.hba.read_text()
        self.hba.write_text("\n".join(("local all postgres trust", *lines, "")))
        self.reload()
        try:
            yield
        finally:
            self.hba.write_text(before)
            self.reload()

    def reload(self) -> None:
        """Lets the server read its files, and waits until new sessions go by them."""
        before = self._loaded_at()
        self.run("SELECT pg_reload_conf()")
        while self._loaded_at() == before:
            time.sleep(0.01)

    def _loaded_at(self) -> object:
        with psycopg.connect(self.server.conninfo("postgres")) as connection:
            return connection.execute("SELECT pg_conf_load_time()").fetchone()


def build(server: PrivateCluster, directory: Path) -> World:
    """A world in which all is well."""
    world = World(server, directory)
    world.run(f"CREATE ROLE crewai_user LOGIN PASSWORD '{PASSWORD}'")
    for name in NAMES:
        server.create_database(f"crewai_{name}")
        world.run("GRANT CREATE ON SCHEMA public TO crewai_user", database=f"crewai_{name}")
        make_sqlite(world.sqlite(name), "PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER)")
    (directory / "opskit.yaml").write_text(
        f"""\
application: {{env_file: {world.env}}}
databases:
  main: {{sqlite: main.db, postgresql: crewai_main}}
  walmart: {{sqlite: walmart.db, postgresql: crewai_walmart}}
postgresql: {{host: {server.socket_directory}, port: {server.port}, user: crewai_user}}
provision: {{admin: {{user: postgres}}}}
"""
    )
    world.env.write_text("# the application's\n")
    world.set(
        DATABASE_TYPE="sqlite",
        POSTGRES_HOST="127.0.0.1",
        POSTGRES_PORT=str(server.port),
        POSTGRES_DB="crewai_main",
        POSTGRES_WALMART_DB="crewai_walmart",
        POSTGRES_USER="crewai_user",
        POSTGRES_PASSWORD=PASSWORD,
        POSTGRES_SSL="false",
        POSTGRES_MAX_CONNECTIONS="20",
    )
    return world


def demolish(world: World) -> None:
    """Takes role and databases away."""
    names = [f"DROP DATABASE IF EXISTS crewai_{name} WITH (FORCE)" for name in NAMES]
    world.run(*names, "DROP ROLE IF EXISTS crewai_user")
