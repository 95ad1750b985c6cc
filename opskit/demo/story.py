"""The whole story on sample databases: made, moved, proven, watched, by the parts that the operator uses."""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from opskit.config import Configuration, TypesProfile, load
from opskit.demo.sample_data import SampleData, generate
from opskit.errors import OpskitError
from opskit.host.commands import Child
from opskit.host.postgresql_programs import as_account
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.host.scratch import scratch_directory
from opskit.migrate.facts import Job
from opskit.migrate.report import Report
from opskit.migrate.run import Workplace, migrate, plan, sessions
from opskit.runs.lock import exclusive
from opskit.runs.progress import Progress
from opskit.transfer.target import Connection, connect
from opskit.verify.run import Sides, Verdict, verify
from opskit.verify.tables import Level

DATABASES: Mapping[str, tuple[str, str]] = {
    "main": ("crewai_enhanced.db", "crewai_main"),
    "walmart": ("walmart_grocery.db", "crewai_walmart"),
}
"""Database → its SQLite file and its PostgreSQL database, as the application names them."""

ROLE = "crewai_user"
SCRAPE_SECONDS = 15.0
"""How long the exporter may take until it answers for the first time."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, for the summary.

    Attributes:
        planted: what verification said about a value that was changed on purpose.
        exposition: one scrape of the exporter.
    """

    server_version: str
    sample: SampleData
    sample_bytes: int
    report: Report
    verdicts: tuple[Verdict, ...]
    planted: str
    address: str
    exposition: str


@contextmanager
def story(rows: int, progress: Progress) -> Generator[Story]:
    """Tells the story; the databases and the exporter live until the block ends, then nothing is left.

    Raises:
        OpskitError: a part of it failed.
    """
    with scratch_directory() as scratch, private_cluster(settings={"max_wal_size": "2GB"}) as cluster:
        progress.stage(f"sample data: {rows:,} rows in two SQLite databases")
        sample = generate(scratch, rows)
        progress.stage("provision: roles and databases in a private PostgreSQL")
        version = _provision(cluster)
        address = f"127.0.0.1:{_free_port()}"
        configuration = _configure(scratch, cluster, address)
        report = _migrate(configuration, cluster, scratch, progress)
        progress.stage("verify: both sides again, from scratch")
        verdicts = tuple(_verify(name, configuration, cluster, scratch, progress) for name in DATABASES)
        planted = _plant_and_find(configuration, cluster, scratch, progress)
        (scratch / ".env").write_text("DATABASE_TYPE=postgresql\n", encoding="utf-8")
        progress.stage("exporter: both databases, now on PostgreSQL")
        with _exporter(scratch, address):
            exposition = _scrape(f"http://{address}/metrics", scratch / "exporter.log")
            size = sum(one.stat().st_size for one in (sample.main, sample.walmart))
            yield Story(version, sample, size, report, verdicts, planted, address, exposition)


def _provision(cluster: PrivateCluster) -> str:
    with _connected(cluster.conninfo("postgres")) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        connection.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(ROLE)))
        row = connection.execute("SELECT current_setting('server_version')").fetchone()
    for _, database in DATABASES.values():
        cluster.create_database(database, ROLE)
        with _connected(cluster.conninfo(database)) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
    return str(row[0]).split()[0] if row else ""


@contextmanager
def _connected(conninfo: str) -> Generator[Connection]:
    connection = connect(conninfo, "opskit demo")
    try:
        yield connection
    finally:
        connection.close()


def _configure(scratch: Path, cluster: PrivateCluster, listen: str) -> Configuration:
    """Writes the configuration an operator would write, and loads it."""
    import yaml

    (scratch / ".env").write_text("DATABASE_TYPE=sqlite\n", encoding="utf-8")
    document = {
        "application": {"env_file": str(scratch / ".env")},
        "databases": {
            name: {"sqlite": file, "postgresql": database} for name, (file, database) in DATABASES.items()
        },
        "postgresql": {"host": str(cluster.socket_directory), "port": cluster.port, "user": ROLE},
        "exporter": {"listen": listen},
        "state_dir": str(scratch / "state"),
    }
    file = scratch / "opskit.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return load(file, {}).configuration


def _migrate(
    configuration: Configuration, cluster: PrivateCluster, scratch: Path, progress: Progress
) -> Report:
    jobs = [
        Job(
            name,
            configuration.databases[name].sqlite,
            cluster.conninfo(database, ROLE),
            database,
            TypesProfile.NATIVE,
            {},
        )
        for name, (_, database) in DATABASES.items()
    ]
    place = Workplace(scratch / "state", scratch / "backups")
    with exclusive(place.state_dir, "demo"), sessions(jobs, place, progress) as opened:
        return migrate(opened, plan(opened, place), place, progress)


def _verify(
    name: str, configuration: Configuration, cluster: PrivateCluster, scratch: Path, progress: Progress
) -> Verdict:
    target = cluster.conninfo(DATABASES[name][1], ROLE)
    sides = Sides(name, configuration.databases[name].sqlite, target)
    return verify(sides, Level.ROWS, scratch / "state", progress)


def _plant_and_find(
    configuration: Configuration, cluster: PrivateCluster, scratch: Path, progress: Progress
) -> str:
    """Changes one value in PostgreSQL, lets verification find it, and puts it right."""
    progress.stage("proof: one value is changed on purpose; verification must name it")
    with _connected(cluster.conninfo(DATABASES["main"][1])) as connection:
        row = connection.execute(
            "SELECT id, name FROM public.product_families ORDER BY id LIMIT 1"
        ).fetchone()
        key, name = row or (None, None)
        change = "UPDATE public.product_families SET name = %s WHERE id = %s"
        connection.execute(change, (f"{name} (changed)", key))
        verdict = _verify("main", configuration, cluster, scratch, progress)
        connection.execute(change, (name, key))
    found = [f"table {table.table}: {one}" for table in verdict.tables for one in table.differences]
    if len(found) != 1 or not _verify("main", configuration, cluster, scratch, progress).equal():
        raise OpskitError.of("demo_proof", f"verification found {found} instead of one planted change")
    return found[0]


@contextmanager
def _exporter(scratch: Path, address: str) -> Generator[None]:
    """The exporter as a process of its own; the kernel ends it if this one is killed."""
    command: Sequence[str | Path] = [
        *as_account(None, parent_death=True),
        sys.executable,
        "-m",
        "opskit",
        "exporter",
        "--config",
        scratch / "opskit.yaml",
        "--listen",
        address,
    ]
    child = Child(command, log=scratch / "exporter.log", env={**os.environ, "DATABASE_TYPE": "postgresql"})
    try:
        yield
    finally:
        child.kill()


def _scrape(url: str, log: Path) -> str:
    deadline = time.monotonic() + SCRAPE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  the demo's own exporter
                return response.read().decode()
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
                raise OpskitError.of(
                    "demo_exporter", f"the exporter does not answer: {' / '.join(last)}"
                ) from error
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
