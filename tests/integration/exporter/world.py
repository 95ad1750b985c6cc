"""The exporter as a process of its own, and what its tests ask it."""

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import apsw
import yaml
from prometheus_client.parser import text_string_to_metric_families

from opskit.host.private_cluster import PrivateCluster

ANSWER_SECONDS = 2.5
"""No answer may take longer, whatever the databases do."""

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Scrape:
    """The samples of one answer."""

    def __init__(self, text: str) -> None:
        self.names = {family.name for family in text_string_to_metric_families(text)}
        self.samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the series with exactly these labels, or None when there is none."""
        return self.samples.get((name, frozenset(labels.items())))

    def all(self, name: str, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
        """The series of a name that have these labels among others."""
        wanted = labels.items()
        return {
            key[1]: value for key, value in self.samples.items() if key[0] == name and wanted <= set(key[1])
        }

    def of_database(self, database: str) -> set[str]:
        """The names that have a series for the database, the exporter's own counting left out."""
        return {
            name
            for name, labels in self.samples
            if ("database", database) in labels
            and not name.startswith(("opskit_probe", "opskit_collector_f"))
        }


class Exporter:
    """A running exporter."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self.log = log
        self.port = 0
        self.tls: ssl.SSLContext | None = None

    def find_port(self) -> bool:
        """Whether it serves, and by its own words where."""
        match = re.search(r"serving https?://127\.0\.0\.1:(\d+)/", self.words())
        self.port = int(match[1]) if match else 0
        return match is not None

    def wait_until_ready(self) -> None:
        """Its first collection is over, so that no scrape of a test shares it."""
        until = time.monotonic() + 20
        while not self.find_port():
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < until, self.words()
            time.sleep(0.02)
        wait_until(lambda: self.get("/-/ready").status == 200)

    def words(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def get(self, path: str = "/metrics", method: str = "GET", **headers: str) -> Answer:
        connection = (
            HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.tls)
            if self.tls
            else HTTPConnection("127.0.0.1", self.port, timeout=20)
        )
        start = time.monotonic()
        try:
            connection.request(
                method, path, headers={key.replace("_", "-"): value for key, value in headers.items()}
            )
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        seconds = time.monotonic() - start
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, body, seconds)

    def scrape(self, **headers: str) -> Scrape:
        """One scrape, which must be answered with 200 and in time."""
        answer = self.get(**headers)
        assert answer.status == 200
        assert answer.seconds < ANSWER_SECONDS
        return Scrape(answer.body.decode())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@dataclass(frozen=True)
class World:
    """A configuration of two databases, `main` and `walmart`, and the files it names."""

    directory: Path
    config: Path
    env_file: Path

    @property
    def state_dir(self) -> Path:
        return self.directory / "state"

    def sqlite(self, name: str) -> Path:
        return self.directory / f"{name}.db"

    def use(self, engine: str) -> None:
        """What a cutover or rollback does to the application's environment."""
        self.env_file.write_text(f"DATABASE_TYPE={engine}\n", encoding="utf-8")


def make_world(directory: Path, cluster: PrivateCluster | None, **postgresql: object) -> World:
    """Two SQLite files in WAL mode, beside the cluster's databases of the same names."""
    server: dict[str, object] = {"host": "/nowhere"}
    if cluster is not None:
        server = {"host": str(cluster.socket_directory), "port": cluster.port, "user": cluster.superuser}
    config, env_file = directory / "opskit.yaml", directory / "app.env"
    document = {
        "application": {"env_file": str(env_file)},
        "databases": {name: {"sqlite": f"{name}.db", "postgresql": name} for name in ("main", "walmart")},
        "postgresql": {**server, **postgresql},
        "state_dir": str(directory / "state"),
        "exporter": {"reuse": "0s"},  # a scrape shall tell what a test has done just before
    }
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    world = World(directory, config, env_file)
    world.use("sqlite")
    for name in ("main", "walmart"):
        make_sqlite(world.sqlite(name))
    return world


def make_sqlite(file: Path, journal_mode: str = "wal") -> None:
    connection = apsw.Connection(str(file))
    connection.execute(f"PRAGMA journal_mode={journal_mode}")
    connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); PRAGMA user_version=3")
    connection.execute("INSERT INTO users (name) VALUES ('a'), ('b')")
    connection.close()


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60  # which a busy machine may need
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@contextmanager
def running(
    world: World, *arguments: str, env: Mapping[str, str] | None = None, wait: bool = True
) -> Generator[Exporter]:
    """The exporter on a free port; killed at the end if it has not been stopped."""
    log = world.directory / "exporter.log"
    environment = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_TYPE", "NOTIFY_SOCKET")
    }
    listen = () if "--listen" in arguments else ("--listen", "127.0.0.1:0")
    command: Sequence[str] = (
        *(sys.executable, "-W", "error", "-c", "from opskit.cli.main import main; main()"),
        *("exporter", "--config", str(world.config), *listen, *arguments),
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, text=True, env={**environment, **(env or {})}
        )
    exporter = Exporter(process, log)
    try:
        if wait:
            exporter.wait_until_ready()
        yield exporter
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
