"""How long a migration takes, beside pgloader and beside the floor that COPY sets; in one run, interleaved.

    .venv/bin/python -m benchmarks.migrate --megabytes 1000 --runs 5 [--lz4]

The floor is psql's \\copy of prepared text files into the same tables, then the same keys and indexes
built by two sessions. Large values are compressed as the server does by default, by pglz; opskit asks for lz4
in its own sessions. With `--lz4` the server has it for everybody, and no migration can be quicker than what
PostgreSQL itself needs. Ratios count; seconds are one machine's.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.migrate.source import make_source
from benchmarks.migrate.ways import Measured, floor, fresh, opskit, pgloader, prepare_files
from opskit.host.private_cluster import private_cluster

SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "256MB",
    "checkpoint_timeout": "30min",
    "wal_compression": "lz4",
}
"""A server tuned for a load, the same for everybody."""


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
