"""How long a migration takes, beside pgloader and beside the floor that COPY sets; in one run, interleaved.

    .venv/bin/python benchmarks/migrate.py --megabytes 1000 --runs 5 [--lz4]

The floor is psql's \\copy of prepared text files into the same tables, then the same keys and indexes
built by two sessions. Large values are compressed as the server does by default, by pglz; opskit asks for lz4
in its own sessions. With `--lz4` the server has it for everybody, and no migration can be quicker than what
PostgreSQL itself needs. Ratios count; seconds are one machine's.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import apsw

from opskit.host.private_cluster import PrivateCluster, private_cluster

SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "256MB",
    "checkpoint_timeout": "30min",
    "wal_compression": "lz4",
}
"""A server tuned for a load, the same for everybody."""

TABLES = """
CREATE TABLE emails (id INTEGER PRIMARY KEY, sender TEXT NOT NULL, subject TEXT, body TEXT,
                     received_at DATETIME);
CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2), in_stock BOOLEAN,
                       details TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, product TEXT REFERENCES products (sku), kind INTEGER,
                     at DATETIME, value REAL);
CREATE TABLE files (id INTEGER PRIMARY KEY, email INTEGER REFERENCES emails (id), content BLOB);
"""

INDEXES = """
CREATE INDEX emails_sender ON emails (sender);
CREATE INDEX emails_received ON emails (received_at);
CREATE INDEX products_name ON products (name);
CREATE INDEX events_product ON events (product);
CREATE INDEX events_at ON events (at);
CREATE INDEX files_email ON files (email);
"""

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


def make_source(file: Path, megabytes: int) -> None:
    """Four kinds of tables: long text, JSON, narrow rows, blobs; about `megabytes` in all."""
    scale = megabytes / 1000
    chance = random.Random(1)  # the same data at every run
    words = [f"word{number}" for number in range(2000)]

    def emails() -> Iterator[tuple[object, ...]]:
        for number in range(round(150_000 * scale)):
            body = " ".join(chance.choices(words, k=chance.randint(130, 260))) + "\nregards\n"
            yield number, f"user{number % 5000}@example.org", f"Subject {number}", body, moment(number)

    def products() -> Iterator[tuple[object, ...]]:
        for number in range(round(200_000 * scale)):
            details = json.dumps(
                {"tags": chance.choices(words, k=12), "rating": number % 50 / 10, "text": "x" * 200}
            )
            yield f"sku-{number:08}", f"Product {number}", number % 10000 / 100, number % 2, details

    def events() -> Iterator[tuple[object, ...]]:
        most = max(round(200_000 * scale), 1)
        for number in range(round(3_000_000 * scale)):
            yield number, f"sku-{number % most:08}", number % 7, moment(number), number % 100_000 / 100

    def files() -> Iterator[tuple[object, ...]]:
        for number in range(round(5_000 * scale)):
            yield number, number, chance.randbytes(20_000)

    connection = apsw.Connection(str(file))
    connection.execute("PRAGMA journal_mode = off; PRAGMA synchronous = off")
    connection.execute(TABLES)
    with connection:
        for name, rows, columns in (
            ("emails", emails, 5),
            ("products", products, 5),
            ("events", events, 5),
            ("files", files, 3),
        ):
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * columns)})", rows())
        connection.execute(INDEXES)
    connection.close()


def moment(number: int) -> str:
    """ISO text, a second later for every number."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_700_000_000 + number))


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


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--lz4", action="store_true")
    parser.add_argument("--without-pgloader", action="store_true")
    given = parser.parse_args()
    settings = {**SETTINGS, **({"default_toast_compression": "lz4"} if given.lz4 else {})}
    with tempfile.TemporaryDirectory() as directory, private_cluster(settings=settings) as cluster:
        scratch = Path(directory)
        scratch.chmod(0o755)
        source = scratch / "source.db"
        make_source(source, given.megabytes)
        prepare_files(cluster, source, scratch / "files", scratch)
        ways: dict[str, Callable[[], Measured]] = {
            "floor": lambda: floor(cluster, scratch / "files"),
            "opskit, 1 job": lambda: opskit(cluster, source, scratch, jobs=1),
            "opskit, 2 jobs": lambda: opskit(cluster, source, scratch, jobs=2),
        }
        if not given.without_pgloader:
            ways["pgloader"] = lambda: pgloader(cluster, source, scratch)
        results: dict[str, list[Measured]] = {name: [] for name in ways}
        for number in range(given.runs):
            for name, way in ways.items():
                fresh(cluster)
                results[name].append(way())
                print(f"run {number + 1} {name}: {results[name][-1]}", file=sys.stderr, flush=True)
        print_table(results, source.stat().st_size)


def median(runs: Sequence[Measured]) -> Measured:
    """The median of each figure."""
    return Measured(
        statistics.median(one.load for one in runs),
        statistics.median(one.whole for one in runs),
        statistics.median(one.memory for one in runs),
        statistics.median(one.verify for one in runs),
    )


def print_table(results: dict[str, list[Measured]], size: int) -> None:
    """Medians, and ratios to the floor."""
    medians = {name: median(runs) for name, runs in results.items()}
    base = medians["floor"]
    print(f"{size / 1e6:.0f} MB, medians of {len(results['floor'])} interleaved runs")
    print("| way | load s | × floor | whole s | × floor | verification | client MB |")
    print("|---|---|---|---|---|---|---|")
    for name, one in medians.items():
        added = one.verify / (one.whole - one.verify)
        figures = (
            f"{one.load:.1f}",
            f"{one.load / base.load:.2f}",
            f"{one.whole:.1f}",
            f"{one.whole / base.whole:.2f}",
            f"+{added:.0%}" if one.verify else "",
            f"{one.memory:.0f}",
        )
        print(f"| {name} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
