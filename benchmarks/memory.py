"""How much memory a migration and its verification take at most, by the size of values.

    .venv/bin/python -m benchmarks.memory                # all cases
    .venv/bin/python -m benchmarks.memory blob-700mb     # one

Prints the greatest sum of resident memory of opskit and its two workers; the server's is not counted.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import apsw

from benchmarks.resident import Peak
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.schema.sqlite_file import cursor

MB = 1_000_000
Fill = Callable[[apsw.Connection], None]


def _values(kind: str, count: int, size: int) -> Fill:
    """Rows with one value of a size, text or BLOB, that does not compress."""

    def fill(connection: apsw.Connection) -> None:
        cursor(connection, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind}, note TEXT)")
        half = size // 2
        value = "lower(hex(randomblob(?)))" if kind == "TEXT" else "randomblob(2 * ?)"
        for number in range(count):
            cursor(connection, f"INSERT INTO t VALUES (?, {value}, 'x')", (number, half))

    return fill


def _columns(connection: apsw.Connection) -> None:
    """Rows of many columns: as many values outside of the row as PostgreSQL allows."""
    names = [f"c{number}" for number in range(400)]
    cursor(connection, f"CREATE TABLE t (id INTEGER PRIMARY KEY, {' TEXT, '.join(names)} TEXT)")
    row = ", ".join(["lower(hex(randomblob(10000)))"] * len(names))
    for _ in range(60):
        cursor(connection, f"INSERT INTO t VALUES (NULL, {row})")


CASES: Mapping[str, Fill] = {
    "blobs-100kb": _values("BLOB", 5000, MB // 10),
    "blobs-340kb": _values("BLOB", 1500, 34 * MB // 100),
    "texts-340kb": _values("TEXT", 1500, 34 * MB // 100),
    "blobs-5mb": _values("BLOB", 100, 5 * MB),
    "blob-300mb": _values("BLOB", 1, 300 * MB),
    "blob-700mb": _values("BLOB", 1, 700 * MB),
    "text-300mb": _values("TEXT", 1, 300 * MB),
    "columns-400": _columns,
}


def main() -> None:
    """Runs the chosen cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=("all", *CASES), default="all")
    chosen = parser.parse_args().cases
    names = CASES if "all" in chosen else chosen
    with tempfile.TemporaryDirectory() as room, private_cluster() as cluster:
        for name in names:
            _measure(name, Path(room), cluster)


def _measure(name: str, room: Path, cluster: PrivateCluster) -> None:
    source = room / "source.db"
    connection = apsw.Connection(str(source))
    try:
        with connection:
            CASES[name](connection)
    finally:
        connection.close()
    database = name.replace("-", "_")
    cluster.create_database(database)
    target = f"postgresql:///?{_query(cluster, database)}"
    for command in (["migrate", "--yes", "--jobs", "2"], ["verify", "--level", "rows"]):
        peak, seconds, code = _run(room / "state", command[0], str(source), target, *command[1:])
        print(f"{name:14}{command[0]:9}{peak / 2**20:7.0f} MB {seconds:6.1f} s  exit {code}", flush=True)
    source.unlink()


def _query(cluster: PrivateCluster, database: str) -> str:
    return "&".join(
        f"{name}={value}"
        for name, value in {
            "host": cluster.socket_directory,
            "port": cluster.port,
            "dbname": database,
            "user": cluster.superuser,
        }.items()
    )


def _run(state: Path, *arguments: str) -> tuple[int, float, int]:
    """Peak bytes, seconds and exit code of opskit."""
    started = time.monotonic()
    environ = {**os.environ, "OPSKIT_STATE_DIR": str(state)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, "-m", "opskit", *arguments], env=environ, stdout=quiet) as process:
        peak = Peak(process.pid)
        process.wait()
    peak.end()
    return peak.bytes, time.monotonic() - started, process.returncode


if __name__ == "__main__":
    main()
