"""The ways to bring it over: opskit, pgloader, and the floor that COPY sets."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from opskit.host.private_cluster import PrivateCluster

FLOOR_TABLES = """
CREATE TABLE emails (id bigint NOT NULL, sender text COLLATE "C" NOT NULL, subject text COLLATE "C",
                     body text COLLATE "C", received_at timestamptz);
CREATE TABLE products (sku text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, price numeric(10,2),
                       in_stock boolean, details text COLLATE "C");
CREATE TABLE events (id bigint NOT NULL, product text COLLATE "C", kind bigint, at timestamptz,
                     value double precision);
CREATE TABLE files (id bigint NOT NULL, email bigint, content bytea);
"""

FLOOR_RULES: Sequence[Sequence[str]] = (
    (
        "ALTER TABLE events ADD PRIMARY KEY (id)",
        "CREATE INDEX events_product ON events (product)",
        "CREATE INDEX emails_sender ON emails (sender)",
        "ALTER TABLE products ADD PRIMARY KEY (sku)",
        "ALTER TABLE files ADD PRIMARY KEY (id)",
    ),
    (
        "CREATE INDEX events_at ON events (at)",
        "ALTER TABLE emails ADD PRIMARY KEY (id)",
        "CREATE INDEX emails_received ON emails (received_at)",
        "CREATE INDEX products_name ON products (name)",
        "CREATE INDEX files_email ON files (email)",
    ),
)
FLOOR_KEYS = (
    "ALTER TABLE events ADD FOREIGN KEY (product) REFERENCES products (sku)",
    "ALTER TABLE files ADD FOREIGN KEY (email) REFERENCES emails (id)",
    "ANALYZE",
)


@dataclass(frozen=True)
class Measured:
    """One run: seconds of the load and of the whole job, peak memory of the client in megabytes.

    Attributes:
        verify: seconds of the whole job that went into reading every row back.
    """

    load: float
    whole: float
    memory: float
    verify: float = 0.0


def run(command: Sequence[str | Path], **environment: str) -> tuple[float, float]:
    """(seconds, peak megabytes of the process and its children together) of a command that must succeed."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.05)
        seconds = time.monotonic() - began
        if process.returncode:
            output.seek(0)
            sys.exit(f"{command[0]} failed: {output.read()[-2000:].decode(errors='replace')}")
    return seconds, peak


def resident(pid: int) -> float:
    """Megabytes that a process and its children hold; what they share counts for each."""
    try:
        size = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has just ended
        return 0.0
    return size + sum(resident(int(child)) for child in children)


def psql(cluster: PrivateCluster, *statements: str) -> tuple[float, float]:
    """Runs statements in one session."""
    words = [word for statement in statements for word in ("-c", statement)]
    return run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", cluster.conninfo("bench"), *words])


def floor(cluster: PrivateCluster, files: Path) -> Measured:
    """psql COPY from prepared files, then keys and indexes by two sessions."""
    psql(cluster, FLOOR_TABLES)
    copies = [f"\\copy {name} FROM '{files / name}'" for name in ("events", "emails", "products", "files")]
    load, memory = psql(cluster, *copies)
    began = time.monotonic()
    with ThreadPoolExecutor(2) as sessions:
        list(sessions.map(lambda rules: psql(cluster, *rules), FLOOR_RULES))
    psql(cluster, *FLOOR_KEYS)
    return Measured(load, load + time.monotonic() - began, memory)


def opskit(cluster: PrivateCluster, source: Path, scratch: Path, jobs: int) -> Measured:
    """The whole job: copy of the file, profile, schema, rows, keys and indexes, verification."""
    report = scratch / "report.json"
    command = [sys.executable, "-m", "opskit", "migrate", source, cluster.conninfo("bench")]
    options = ["--jobs", str(jobs), "--report", report, "--progress", "none"]
    whole, memory = run([*command, *options], OPSKIT_STATE_DIR=str(scratch / "state"))
    phases = {
        phase["name"]: phase["seconds"]
        for phase in json.loads(report.read_text(encoding="utf-8"))["databases"][0]["phases"]
    }
    shutil.rmtree(scratch / "state")
    return Measured(phases["copy"], whole, memory, phases["verify"])


def pgloader(cluster: PrivateCluster, source: Path, scratch: Path) -> Measured:
    """pgloader's whole job; its load phase is a run that builds no index."""
    target = f"postgresql://{cluster.superuser}@unix:{cluster.socket_directory}:{cluster.port}/bench"
    script = scratch / "pgloader.load"
    options = (
        "include drop, create tables, {}, reset sequences, workers = 4, concurrency = 1, batch size = 20MB"
    )

    def job(indexes: str) -> tuple[float, float]:
        script.write_text(
            f"LOAD DATABASE FROM sqlite://{source} INTO {target} WITH {options.format(indexes)};\n",
            encoding="utf-8",
        )
        return run(["pgloader", "--dynamic-space-size", "4096", script], HOME=str(scratch))

    load, _ = job("create no indexes")
    whole, memory = job("create indexes")
    return Measured(load, whole, memory)


def prepare_files(cluster: PrivateCluster, source: Path, files: Path, scratch: Path) -> None:
    """The floor's input: what PostgreSQL itself writes after one migration."""
    fresh(cluster)
    opskit(cluster, source, scratch, jobs=2)
    files.mkdir()
    for name in ("emails", "products", "events", "files"):
        psql(cluster, f"\\copy {name} TO '{files / name}'")


def fresh(cluster: PrivateCluster) -> None:
    """An empty database, and a checkpoint so that nobody pays for the last run."""
    run(["psql", "-qX", cluster.conninfo("postgres"), "-c", "DROP DATABASE IF EXISTS bench"])
    cluster.create_database("bench")
    run(["psql", "-qX", cluster.conninfo("postgres"), "-c", "CHECKPOINT"])
