"""Commits so many times a second until SIGTERM, then tells when each commit began and how long it took.

writer.py sqlite|postgresql FILE|CONNINFO RATE
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing

import apsw
import psycopg

PAYLOAD = "x" * 100
LATE = 0.01
"""Seconds that are caught up with; what was due during a longer stall is left out."""


def paced(write: Callable[[int], object], rate: int) -> list[tuple[float, float]]:
    """Moments (of the host's monotonic clock) and seconds."""
    found: list[tuple[float, float]] = []
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    due = time.perf_counter()
    while not stopped:
        begun = time.perf_counter()
        write(len(found))
        ended = time.perf_counter()
        found.append((begun, ended - begun))
        due = max(due + 1 / rate, ended - LATE)
        time.sleep(max(0.0, due - ended))
    return found


def on_sqlite(file: str, rate: int) -> list[tuple[float, float]]:
    with closing(apsw.Connection(file)) as connection:
        connection.set_busy_timeout(120_000)
        connection.execute("PRAGMA synchronous = NORMAL").fetchall()
        statement = "INSERT INTO written (who, what) VALUES (?, ?)"
        return paced(lambda number: connection.execute(statement, (number, PAYLOAD)).fetchall(), rate)


def on_postgresql(conninfo: str, rate: int) -> list[tuple[float, float]]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        statement = "INSERT INTO written (who, what) VALUES (%s, %s)"
        return paced(lambda number: connection.execute(statement, (number, PAYLOAD)), rate)


if __name__ == "__main__":
    _, engine, where, rate = sys.argv
    print(json.dumps({"sqlite": on_sqlite, "postgresql": on_postgresql}[engine](where, int(rate))))
