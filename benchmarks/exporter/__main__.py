"""What a scrape of two PostgreSQL databases takes, beside postgres_exporter, with and without statements.

    .venv/bin/python -m benchmarks.exporter --scrapes 300 --growth 10000

A private cluster whose pg_stat_statements holds 600 statements of two databases, and the exporters as
processes of their own, scraped in turn in an order that is drawn for every round. Prints one JSON document:

    milliseconds  median and 99th percentile of a scrape, as its client sees it, on a connection of its own
    processor     milliseconds of the exporter's own processor time for one
    megabytes     resident memory at the end
    series        in one answer

`opskit` looks anew for each scrape; `opskit, reused` is asked a moment after another scrape.
"""

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import psycopg

from opskit.host.private_cluster import PrivateCluster, private_cluster

DATABASES = ("main", "walmart")
STATEMENTS = 300
"""Of each database."""

PEER = "prometheus-postgres-exporter"
TICKS = os.sysconf("SC_CLK_TCK")
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


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scrapes", type=int, default=300, help="of each exporter")
    parser.add_argument("--growth", type=int, default=0, help="so many of opskit alone afterwards")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with private_cluster() as cluster, ExitStack() as stack:
        fill(cluster)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        exporters = {
            name: stack.enter_context(running(*make(cluster, directory), warm=name.endswith("reused")))
            for name, make in EXPORTERS.items()
        }
        report = compare(exporters, asked.scrapes, random.Random(asked.seed))
        if asked.growth:
            report["growth"] = growth(exporters["opskit"], asked.growth)
        print(json.dumps(report, indent=1))


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
    cluster: PrivateCluster, directory: Path, reuse: str = "0s"
) -> tuple[list[str], Mapping[str, str], int]:
    """opskit's exporter, told in a configuration."""
    port = free_port()
    databases = {name: {"sqlite": f"{name}.db", "postgresql": name} for name in DATABASES}
    document = {
        "databases": databases,
        "postgresql": {
            "host": str(cluster.socket_directory),
            "port": cluster.port,
            "user": cluster.superuser,
        },
        "exporter": {"listen": f"127.0.0.1:{port}", "reuse": reuse},
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


def compare(exporters: Mapping[str, Exporter], scrapes: int, chance: random.Random) -> dict[str, object]:
    """Every exporter scraped as often, in turn."""
    names = list(exporters)
    for one in exporters.values():
        for _ in range(20):
            one.scrape()
    before = {name: processor(one.process.pid) for name, one in exporters.items()}
    for _ in range(scrapes):
        chance.shuffle(names)
        for name in names:
            exporters[name].measure()
    own = {name: processor(one.process.pid) - before[name] for name, one in exporters.items()}
    return {
        "load": os.getloadavg()[0],
        **{
            name: {
                "milliseconds": percentiles(one.seconds),
                "processor": round(1000 * own[name] / scrapes / (2 if one.warm else 1), 2),
                "megabytes": round(resident(one.process.pid) / 2**20, 1),
                "series": sum(not line.startswith(b"#") for line in one.scrape().splitlines()),
            }
            for name, one in exporters.items()
        },
    }


def growth(exporter: Exporter, scrapes: int) -> dict[str, object]:
    """Resident memory before and after, in megabytes."""
    before = resident(exporter.process.pid)
    for _ in range(scrapes):
        exporter.scrape()
    after = resident(exporter.process.pid)
    return {"scrapes": scrapes, "megabytes": [round(one / 2**20, 2) for one in (before, after)]}


def percentiles(seconds: list[float]) -> dict[str, float]:
    """In milliseconds."""
    hundredths = statistics.quantiles(seconds, n=100)
    return {"median": round(1000 * statistics.median(seconds), 1), "p99": round(1000 * hundredths[98], 1)}


def processor(pid: int) -> float:
    """Seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS


def resident(pid: int) -> int:
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """One of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
