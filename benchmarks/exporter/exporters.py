"""opskit's exporter and postgres_exporter over one cluster, as processes of their own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import psycopg

from opskit.host.private_cluster import PrivateCluster

DATABASES = ("main", "walmart")
STATEMENTS = 300
"""Of each database."""

PEER = "prometheus-postgres-exporter"
SETTLE_SECONDS = 20.0


@dataclass(frozen=True)
class Exporter:
    """A process that is scraped.

    Attributes:
        warm: it is asked once more, directly before.
    """

    process: "subprocess.Popen[bytes]"
    port: int
    warm: bool = False
    seconds: list[float] = field(default_factory=list[float])

    def wait(self) -> None:
        """Until it answers."""
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                self.scrape()
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def scrape(self) -> bytes:
        """One answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/metrics")
        try:
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise SystemExit(f"status {response.status}: {body[:500]!r}")
        return body

    def measure(self) -> None:
        """One scrape more."""
        if self.warm:
            self.scrape()
        begun = time.perf_counter()
        self.scrape()
        self.seconds.append(time.perf_counter() - begun)


def free_port() -> int:
    """One of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fill(cluster: PrivateCluster) -> None:
    """Both databases, and their statements; lists of other lengths are other ones in PostgreSQL 15."""
    for name in DATABASES:
        cluster.create_database(name)
        with psycopg.connect(cluster.conninfo(name), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("CREATE TABLE users (id bigint PRIMARY KEY, name text)")
            connection.execute("INSERT INTO users SELECT n, 'x' FROM generate_series(1, 10000) AS n")
            for length in range(1, STATEMENTS + 1):
                numbers = ", ".join(map(str, range(length)))
                connection.execute(f"SELECT name FROM users WHERE id IN ({numbers})".encode())


def opskit(
    cluster: PrivateCluster, directory: Path, reuse: str = "0s", **more: str
) -> tuple[list[str], Mapping[str, str], int]:
    """opskit's exporter, told in a configuration; `more` is of its own section."""
    port = free_port()
    databases = {name: {"sqlite": f"{name}.db", "postgresql": name} for name in DATABASES}
    document = {
        "databases": databases,
        "postgresql": {
            "host": str(cluster.socket_directory),
            "port": cluster.port,
            "user": cluster.superuser,
        },
        "exporter": {"listen": f"127.0.0.1:{port}", "reuse": reuse, **more},
        "state_dir": str(directory / "state"),
    }
    config = directory / f"opskit-{reuse}.yaml"
    config.write_text(json.dumps(document))  # which is YAML, too
    command = [sys.executable, "-m", "opskit", "exporter", "--config", str(config)]
    return command, {"DATABASE_TYPE": "postgresql"}, port


def peer(
    cluster: PrivateCluster, _directory: Path, *arguments: str
) -> tuple[list[str], Mapping[str, str], int]:
    """postgres_exporter, which finds the databases itself: told both, it refuses to tell of the second."""
    port = free_port()
    source = (
        f"host={cluster.socket_directory} port={cluster.port} user={cluster.superuser} dbname={DATABASES[0]}"
    )
    command = [
        PEER,
        f"--web.listen-address=127.0.0.1:{port}",
        "--auto-discover-databases",
        "--exclude-databases=postgres,template0,template1",
        *arguments,
    ]
    return command, {"DATA_SOURCE_NAME": source}, port


def peer_with_statements(
    cluster: PrivateCluster, directory: Path
) -> tuple[list[str], Mapping[str, str], int]:
    """The same, which also tells of statements."""
    queries = Path(__file__).parent / "statements.yaml"
    return peer(cluster, directory, f"--extend.query-path={queries}")


Make = Callable[[PrivateCluster, Path], tuple[list[str], Mapping[str, str], int]]
EXPORTERS: Mapping[str, Make] = {
    "opskit": opskit,
    "opskit, reused": lambda cluster, directory: opskit(cluster, directory, "1s"),
    "postgres_exporter": peer,
    "postgres_exporter with statements": peer_with_statements,
}


@contextmanager
def running(command: list[str], environ: Mapping[str, str], port: int, *, warm: bool) -> Generator[Exporter]:
    """An exporter, until the end."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env={**os.environ, **environ}, stdout=quiet, stderr=quiet) as process:
        exporter = Exporter(process, port, warm)
        try:
            exporter.wait()
            yield exporter
        finally:
            process.terminate()
