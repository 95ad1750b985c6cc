"""The application of these tests: writes into both databases of whatever engine its `.env` names.

    python application.py start|stop|run DIRECTORY

It notes each write before it tries it and after it was acknowledged; what fails is tried anew.
"""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import apsw
import psycopg


class Writes(Protocol):
    """A connection, as far as this application uses one."""

    def write(self, name: str, value: int) -> None: ...


class OnSqlite:
    def __init__(self, file: Path) -> None:
        self._connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
        self._connection.set_busy_timeout(3000)

    def write(self, name: str, value: int) -> None:
        with self._connection:
            self._connection.execute("REPLACE INTO items (name, value) VALUES (?, ?)", (name, value))
            self._connection.execute("INSERT INTO log VALUES ('2026-01-02 03:04:05', ?)", (name,))


class OnPostgresql:
    def __init__(self, conninfo: str) -> None:
        self._connection = psycopg.connect(conninfo, connect_timeout=3)

    def write(self, name: str, value: int) -> None:
        with self._connection.transaction():
            self._connection.execute(
                "INSERT INTO items (name, value) VALUES (%s, %s)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
            self._connection.execute("INSERT INTO log VALUES (now(), %s)", (name,))


def connect(directory: Path, settings: dict[str, Any], name: str) -> Writes:
    if "DATABASE_TYPE=postgresql" in (directory / ".env").read_text():
        return OnPostgresql(settings[name]["postgresql"])
    return OnSqlite(Path(settings[name]["sqlite"]))


def run(directory: Path) -> None:
    """Writes until it is killed."""
    settings = json.loads((directory / "settings.json").read_text())
    notes = os.open(directory / f"notes-{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    connections: dict[str, Writes] = {}
    chance = random.Random(os.getpid())
    for _ in itertools.count():
        for name in settings:
            key, value = f"k{chance.randrange(50)}", time.time_ns()
            try:
                if name not in connections:
                    connections[name] = connect(directory, settings, name)
                note(notes, name, key, value, acknowledged=False)
                connections[name].write(key, value)
                note(notes, name, key, value, acknowledged=True)
            except (apsw.Error, psycopg.Error):
                connections.pop(name, None)
        time.sleep(0.01)


def note(descriptor: int, database: str, name: str, value: int, *, acknowledged: bool) -> None:
    os.write(descriptor, (json.dumps([database, name, value, acknowledged]) + "\n").encode())


def running(directory: Path) -> int | None:
    try:
        pid = int((directory / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ValueError):
        return None
    return pid if str(directory).encode() in command else None


def start(directory: Path) -> None:
    if running(directory) is None:
        with (directory / "errors").open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, __file__, "run", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        (directory / "pid").write_text(str(process.pid))


def stop(directory: Path) -> None:
    pid = running(directory)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
            time.sleep(0.01)


if __name__ == "__main__":
    {"start": start, "stop": stop, "run": run}[sys.argv[1]](Path(sys.argv[2]))
