"""How long do a cutover and a rollback keep an application from writing, and is every write there afterwards?

    sudo .venv/bin/python -m benchmarks.switch --rows 1000000 --minutes 5 --cache /var/tmp

An application writes to two SQLite databases at an even pace, is moved to PostgreSQL by `migrate --follow`
and `cutover`, lives there beside `standby run`, and goes back by `rollback`; afterwards every write must be
there, and both sides be equal. Prints one JSON document.
"""

import argparse
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.resident import Peak
from benchmarks.switch.notes import Step, all_notes, median, pause, rate, steps_of
from benchmarks.switch.proof import lost, set_apart
from benchmarks.switch.world import World, server

_LIFE = 5.0
"""Seconds of writing before anything is done, and after the rollback."""

Report = dict[str, Any]


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--writes", type=float, default=500, help="transactions a second")
    parser.add_argument("--minutes", type=float, default=5, help="life on PostgreSQL")
    parser.add_argument("--times", type=int, default=1, help="there and back again so often")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()), help="keeps filled databases"
    )
    parser.add_argument("--keep", action="store_true", help="leaves the scratch directory")
    asked = parser.parse_args()
    asked.cache.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="switch-", dir=asked.cache))
    try:
        with server(asked.cache) as cluster:
            world = World(cluster, directory, asked.rows, asked.writes)
            print(json.dumps(_measured(world, asked.cache, asked.minutes, asked.times), indent=1))
    finally:
        if not asked.keep:
            shutil.rmtree(directory)


def _measured(world: World, cache: Path, minutes: float, times: int) -> Report:
    size = world.fill(cache)
    world.order("start")
    try:
        trips = [_trip(world, minutes) for _ in range(times)]
    finally:
        world.order("stop")
    return {"rows": world.rows, "bytes": size, **_medians(trips), "trips": trips}


def _trip(world: World, minutes: float) -> Report:
    """There and back again."""
    time.sleep(_LIFE)
    world.empty()
    report: Report = {"load": os.getloadavg()[0]}
    report["migrate"], _ = _phase(world, "migrate", "--follow", "--yes")
    report["cutover"], _ = _switch(world, "cutover", "postgresql")
    report["standby"] = _live(world, 60 * minutes)
    report["rollback"], begun = _switch(world, "rollback", "sqlite")
    time.sleep(_LIFE)
    world.order("stop")
    report["lost"] = lost(world)[:10]
    set_apart(world, begun)
    report["verify"], _ = _phase(world, "verify", "--level", "digest")
    world.order("start")
    return report


def _phase(world: World, *command: str) -> tuple[Report, tuple[float, float]]:
    """A command, what it took, and how the application wrote meanwhile."""
    begun = time.monotonic()
    result, peak = world.opskit(*command)
    ended = time.monotonic()
    written = rate(all_notes(world.application), begun, ended)
    report: Report = {"seconds": peak.seconds, "megabytes": peak.bytes >> 20, **written}
    if "pause_seconds" in result:
        report["pause_seconds"] = result["pause_seconds"]
    return report, (begun, ended)


def _switch(world: World, command: str, to: str) -> tuple[Report, float]:
    """Changes sides; what it took, and when it began."""
    report, when = _phase(world, command, "--yes")
    time.sleep(1)
    steps = steps_of(world.state, command)
    report |= pause(world.application, to, when)
    report["before"] = rate(all_notes(world.application), when[0], _stop(steps).begun)
    report["steps"] = {one.title: one.seconds for one in steps}
    return report, when[0]


def _stop(steps: list[Step]) -> Step:
    return next(one for one in steps if one.title.startswith("stop the application"))


def _live(world: World, seconds: float) -> Report:
    """The application writes to PostgreSQL, and the standby follows."""
    begun = time.monotonic()
    standby = world.begin("standby", "run")
    peak = Peak(standby.pid)
    time.sleep(seconds)
    status, _ = world.opskit("standby", "status")
    standby.send_signal(signal.SIGTERM)
    standby.communicate()
    peak.end()
    written = rate(all_notes(world.application), begun, time.monotonic())
    return {"megabytes": peak.bytes >> 20, **written, "status": status}


def _medians(trips: list[Report]) -> Report:
    found: Report = {}
    for command in ("cutover", "rollback"):
        for figure in ("pause", "restart", "gap", "pause_seconds"):
            found[f"{command}_{figure}"] = median([one[command][figure] for one in trips])
    return found


if __name__ == "__main__":
    main()
