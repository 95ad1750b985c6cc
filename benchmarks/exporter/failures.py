"""What the exporters answer when something is wrong, and how soon; opskit's and postgres_exporter, in turn.

    .venv/bin/python -m benchmarks.exporter.failures

For each trouble one line of JSON for each exporter: the slowest of the scrapes, in seconds; whether the
answers said rightly if the database is up; how many series of a healthy answer were there. A client gives up
after 30 s. Both also ask a query of one's own that takes five seconds, where the trouble is that.
"""

import json
import os
import re
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.exporter.exporters import Exporter, Make, fill, opskit, peer, running
from opskit.host.private_cluster import PrivateCluster, private_cluster

UP = re.compile(rb'^(?:pg_up|opskit_database_up{database="main"})(?:{[^}]*})? (\d)', re.MULTILINE)
SLOW = 5
"""Seconds that the query of one's own takes."""
ABANDONED = 5


@dataclass(frozen=True)
class Answer:
    """What a scrape gave.

    Attributes:
        up: whether the database is, as it was told; None when nobody answered in time.
    """

    seconds: float
    up: bool | None = None
    series: int = 0


@dataclass(frozen=True)
class Trouble:
    """Something wrong.

    Attributes:
        up: what is right to tell of the database.
        scrapes: how many at once.
        slow: a query of one's own takes long.
    """

    come: Callable[[PrivateCluster, Exporter], "Generator[None]"]
    up: bool
    scrapes: int = 1
    slow: bool = False


def scrape(exporter: Exporter) -> Answer:
    """One, which is given up after 30 s."""
    begun = time.perf_counter()
    try:
        body = exporter.scrape()
    except (OSError, SystemExit):
        return Answer(time.perf_counter() - begun)
    told = UP.search(body)
    series = sum(not line.startswith(b"#") for line in body.splitlines())
    return Answer(time.perf_counter() - begun, None if told is None else told[1] == b"1", series)


@contextmanager
def stopped(*pids: int) -> Generator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def healthy(_cluster: PrivateCluster, _exporter: Exporter) -> Generator[None]:
    yield


def backends_hang(cluster: PrivateCluster, _exporter: Exporter) -> Generator[None]:
    """Those of the exporter's sessions that it keeps."""
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as session:
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        found = session.execute(f"SELECT pid FROM pg_stat_activity WHERE {others}".encode()).fetchall()
    with stopped(*(pid for (pid,) in found)):
        yield


def postmaster_hangs(cluster: PrivateCluster, _exporter: Exporter) -> Generator[None]:
    with stopped(cluster.pid):
        yield


def server_is_stopped(cluster: PrivateCluster, _exporter: Exporter) -> Generator[None]:
    cluster.stop()
    yield
    cluster.start()


def server_was_restarted(cluster: PrivateCluster, _exporter: Exporter) -> Generator[None]:
    cluster.restart()
    yield


def table_is_locked(cluster: PrivateCluster, _exporter: Exporter) -> Generator[None]:
    with psycopg.connect(cluster.conninfo("main")) as session:
        session.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        yield
        session.rollback()


def scrapes_were_abandoned(cluster: PrivateCluster, exporter: Exporter) -> Generator[None]:
    """Clients that went away while the postmaster hung."""
    with stopped(cluster.pid):
        for _ in range(ABANDONED):
            with socket.create_connection(("127.0.0.1", exporter.port)) as client:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.2)
    yield


TROUBLES: Mapping[str, Trouble] = {
    "none": Trouble(healthy, up=True),
    "its sessions hang": Trouble(backends_hang, up=True),
    "the postmaster hangs": Trouble(postmaster_hangs, up=False),
    "the server is stopped": Trouble(server_is_stopped, up=False),
    "the server was restarted": Trouble(server_was_restarted, up=True),
    "a table is locked": Trouble(table_is_locked, up=True),
    "three at once, a slow query": Trouble(healthy, up=True, scrapes=3, slow=True),
    "five were abandoned": Trouble(scrapes_were_abandoned, up=True),
}


def slow_opskit(cluster: PrivateCluster, directory: Path) -> tuple[list[str], Mapping[str, str], int]:
    metric = {"type": "gauge", "help": "Slow.", "column": "slow"}
    query = {"query": f"SELECT 1 AS slow FROM pg_sleep({SLOW})", "metrics": {"bench_slow": metric}}
    file = directory / "slow-opskit.yaml"
    file.write_text(json.dumps({"queries": {"slow": query}}))  # which is YAML, too
    return opskit(cluster, directory, queries=str(file))


def slow_peer(cluster: PrivateCluster, directory: Path) -> tuple[list[str], Mapping[str, str], int]:
    metrics = [{"slow": {"usage": "GAUGE", "description": "Slow."}}]
    query = {"query": f"SELECT 1 AS slow FROM pg_sleep({SLOW})", "master": True, "metrics": metrics}
    file = directory / "slow-peer.yaml"
    file.write_text(json.dumps({"bench": query}))
    return peer(cluster, directory, f"--extend.query-path={file}")


MAKERS: Mapping[str, tuple[Make, Make]] = {
    "opskit": (opskit, slow_opskit),
    "postgres_exporter": (peer, slow_peer),
}


def measure(cluster: PrivateCluster, make: Make, trouble: Trouble, directory: Path) -> dict[str, object]:
    """What one exporter, begun for it, answers in one trouble."""
    with running(*make(cluster, directory), warm=False) as exporter:
        whole = max(scrape(exporter).series for _ in range(3))
        with contextmanager(trouble.come)(cluster, exporter), ThreadPoolExecutor(trouble.scrapes) as clients:
            answers = list(clients.map(scrape, [exporter] * trouble.scrapes))
    return {
        "seconds": round(max(one.seconds for one in answers), 2),
        "answered": all(one.up is not None for one in answers),
        "told rightly": all(one.up is trouble.up for one in answers),
        "series": f"{min(one.series for one in answers)} of {whole}",
    }


def main() -> None:
    """Runs it."""
    with private_cluster() as cluster, tempfile.TemporaryDirectory() as directory:
        fill(cluster)
        for name, trouble in TROUBLES.items():
            for exporter, makers in MAKERS.items():
                told = measure(cluster, makers[trouble.slow], trouble, Path(directory))
                print(json.dumps({"trouble": name, "exporter": exporter, **told}), flush=True)


if __name__ == "__main__":
    main()
