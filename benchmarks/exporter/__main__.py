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
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.exporter.exporters import EXPORTERS, Exporter, fill, running
from opskit.host.private_cluster import private_cluster

TICKS = os.sysconf("SC_CLK_TCK")

PAUSE_SECONDS = 0.02
"""After each scrape: what an exporter and its sessions still do behind an answer is not to meet the next."""


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
            time.sleep(PAUSE_SECONDS)
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


if __name__ == "__main__":
    main()
