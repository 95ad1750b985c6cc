"""The benchmark's world: an application on SQLite files of some size, and a server as it is provisioned."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import apsw
import psycopg
from psycopg import sql

from benchmarks.resident import Peak
from benchmarks.switch import application
from benchmarks.switch.writes import TABLES
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.schema.sqlite_file import rows

HERE = Path(__file__).parent
_SETTINGS = {
    "wal_level": "logical",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}


@contextmanager
def server(directory: Path) -> Generator[PrivateCluster]:
    """A server that keeps what it says on disk, with the roles."""
    with private_cluster(directory, settings=_SETTINGS) as cluster:
        with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
            connection.execute((HERE / "roles.sql").read_bytes())
        yield cluster


class World:
    """Both databases on both sides.

    Args:
        directory: everything of the application's and of opskit's stands here.
        rows: of both databases together.
        writes: transactions a second, of both together.
    """

    def __init__(self, cluster: PrivateCluster, directory: Path, rows: int, writes: float) -> None:
        self.cluster = cluster
        self.rows = rows
        self.application = directory / "application"
        self.state = directory / "state"
        self.application.mkdir()
        self._writes = writes
        self._configuration = directory / "opskit.yaml"
        self._configure()

    def file(self, name: str) -> Path:
        """The application's SQLite file."""
        return self.application / f"{name}.db"

    def fill(self, cache: Path) -> int:
        """Puts the application's files in place, made once for each size; returns their bytes."""
        for name in TABLES:
            kept = cache / f"{name}-{self.rows}.db"
            if not kept.exists():
                _generate(HERE / f"{name}.sql", kept, self.rows)
            shutil.copyfile(kept, self.file(name))
        return sum(self.file(name).stat().st_size for name in TABLES)

    def empty(self) -> None:
        """Makes both databases of the server anew."""
        with psycopg.connect(self.cluster.conninfo("postgres"), autocommit=True) as admin:
            for name in TABLES:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                admin.execute(drop)
        for name in TABLES:
            self.cluster.create_database(name, "opskit_owner")
            grants = sql.SQL((HERE / "grants.sql").read_text()).format(database=sql.Identifier(name))
            with psycopg.connect(self.cluster.conninfo(name), autocommit=True) as connection:
                connection.execute(grants)

    def order(self, what: str) -> None:
        """Starts or stops the application."""
        command = [sys.executable, application.__file__, what, str(self.application)]
        subprocess.run(command, check=True, env=self._environ())

    def opskit(self, *arguments: str) -> tuple[dict[str, object], Peak]:
        """Runs opskit to its end; its result, and what it took."""
        process = self.begin(*arguments)
        peak = Peak(process.pid)
        out, errors = process.communicate()
        peak.end()
        if process.returncode:
            raise SystemExit(f"opskit {' '.join(arguments)} returned {process.returncode}\n{out}\n{errors}")
        return json.loads(out)["result"], peak

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Starts opskit."""
        command = [
            sys.executable,
            "-m",
            "opskit",
            *arguments,
            "--config",
            str(self._configuration),
            "-o",
            "json",
        ]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self._environ(), stdout=pipe, stderr=pipe, text=True)

    def _environ(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "OPSKIT_"))}

    def _conninfo(self, name: str) -> str:
        return f"{self.cluster.conninfo(name, 'application')} application_name=application"

    def _configure(self) -> None:
        (self.application / ".env").write_text("DATABASE_TYPE=sqlite\n")
        settings: dict[str, object] = {"rows": self.rows, "writes": self._writes}
        for name in TABLES:
            settings[f"{name}.sqlite"] = str(self.file(name))
            settings[f"{name}.postgresql"] = self._conninfo(name)
        (self.application / "settings.json").write_text(json.dumps(settings))
        command = f"{sys.executable}, {application.__file__}"
        databases = "".join(
            f"\n  {name}: {{sqlite: {self.file(name)}, postgresql: {name}, application_name: application}}"
            for name in TABLES
        )
        self._configuration.write_text(f"""
application:
  env_file: {self.application}/.env
  stop: [{command}, stop, {self.application}]
  start: [{command}, start, {self.application}]
databases: {databases}
postgresql: {{host: {self.cluster.socket_directory}, port: {self.cluster.port}, user: application}}
migrate: {{user: opskit_owner}}
state_dir: {self.state}
""")


def _generate(script: Path, file: Path, size: int) -> None:
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    connection = apsw.Connection(str(partial))
    try:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            rows(connection, f"PRAGMA {setting}")
        with connection:
            rows(connection, script.read_text().replace("?1", str(size)))
        rows(connection, "PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    partial.replace(file)
