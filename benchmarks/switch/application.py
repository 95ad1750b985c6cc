"""The application: writes into both databases of whatever engine its `.env` names, at an even pace.

    python application.py start|stop|run DIRECTORY

It notes each write that was acknowledged and when, by CLOCK_MONOTONIC. A line is `KIND NANOSECONDS ENGINE
NUMBER`, where KIND is `try` (the first one after a start, before it connects), `done` or `lost` (nobody knows
how it ended).
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading  # what `stop` does not need, it does not wait for

LATE = 0.1
"""Seconds that a writer catches up; what is further behind is not written."""


class Writes(Protocol):
    """A connection, as far as this application uses one."""

    def execute(self, statements: list[tuple[str, tuple[object, ...]]]) -> None: ...


class OnSqlite:
    def __init__(self, file: str) -> None:
        import apsw

        self._connection = apsw.Connection(file, flags=apsw.SQLITE_OPEN_READWRITE)
        self._connection.set_busy_timeout(5000)
        self._connection.execute("PRAGMA synchronous = NORMAL").fetchall()

    def execute(self, statements: list[tuple[str, tuple[object, ...]]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._connection.execute(statement, values)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


class OnPostgresql:
    def __init__(self, conninfo: str) -> None:
        import psycopg

        self._connection = psycopg.connect(conninfo, connect_timeout=3, autocommit=True)

    def execute(self, statements: list[tuple[str, tuple[object, ...]]]) -> None:
        with self._connection.transaction():
            for statement, values in statements:
                self._connection.execute(statement.replace("?", "%s").encode(), values)


class Writer:
    """One thread's work.

    Args:
        notes: the file it notes to; it goes on behind the last number there.
    """

    def __init__(self, directory: Path, name: str, number: int, settings: dict[str, object]) -> None:
        from benchmarks.switch.writes import TABLES, WRITERS

        self._tables = TABLES[name]
        self._number = number
        self._rows = int(str(settings["rows"])) // (2 if name == "main" else 4)
        self._pace = 2 * WRITERS / float(str(settings["writes"]))
        postgresql = "DATABASE_TYPE=postgresql" in (directory / ".env").read_text()
        self._engine = "postgresql" if postgresql else "sqlite"
        self._address = str(settings[f"{name}.{self._engine}"])
        file = directory / f"notes-{name}-{number}"
        self._next = 2 + last_number(file)  # one may have been under way when the last process was ended
        self._notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def run(self, is_over: "threading.Event") -> None:
        import apsw
        import psycopg

        self._note("try")
        connection: Writes | None = None
        due = time.monotonic()
        while not is_over.is_set():
            try:
                connection = connection or self._connect()
                connection.execute(self._statements())
                self._note("done")
            except (apsw.Error, psycopg.Error) as error:
                sys.stderr.write(f"{self._engine} {self._next}: {error}\n")
                self._note("lost")
                connection = None
            self._next += 1
            due = max(due + self._pace, time.monotonic() - LATE)
            is_over.wait(max(0.0, due - time.monotonic()))

    def _connect(self) -> Writes:
        return OnPostgresql(self._address) if self._engine == "postgresql" else OnSqlite(self._address)

    def _statements(self) -> list[tuple[str, tuple[object, ...]]]:
        from benchmarks.switch.writes import write

        tables, one = self._tables, write(self._number, self._next, self._rows)
        statements: list[tuple[str, tuple[object, ...]]] = [
            (tables.insert, (one.inserted,)),
            (tables.update, (one.number, one.updated)),
        ]
        if one.deleted is not None:
            statements.append((tables.delete, (one.deleted,)))
        if tables.keyless and one.number % 50 == 0:
            statements.append((tables.keyless, (one.inserted,)))
        return statements

    def _note(self, kind: str) -> None:
        os.write(self._notes, f"{kind} {time.monotonic_ns()} {self._engine} {self._next}\n".encode())


def last_number(notes: Path) -> int:
    if not notes.exists():
        return 0
    with notes.open("rb") as file:
        file.seek(max(0, notes.stat().st_size - 200))
        return int(file.read().split()[-1])


def run(directory: Path) -> None:
    """Writes until SIGTERM; what is under way then is ended."""
    import threading

    from benchmarks.switch.writes import TABLES, WRITERS

    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: is_over.set())
    settings = json.loads((directory / "settings.json").read_text())
    writers = [Writer(directory, name, number, settings) for name in TABLES for number in range(WRITERS)]
    threads = [threading.Thread(target=one.run, args=(is_over,)) for one in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def start(directory: Path) -> None:
    errors = (
        os.POSIX_SPAWN_OPEN,
        2,
        str(directory / "errors"),
        os.O_WRONLY | os.O_CREAT | os.O_APPEND,
        0o600,
    )
    command = [sys.executable, __file__, "run", str(directory)]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pid = os.posix_spawn(sys.executable, command, environ, file_actions=[errors], setsid=True)
    (directory / "pid").write_text(str(pid))


def stop(directory: Path) -> None:
    process = Path("/proc") / (directory / "pid").read_text()
    try:
        if str(directory).encode() in (process / "cmdline").read_bytes():
            os.kill(int(process.name), signal.SIGTERM)
        while (process / "cmdline").read_bytes():  # empty when it has ended and nobody has asked how
            time.sleep(0.005)
    except (ProcessLookupError, FileNotFoundError):
        return


def main() -> None:
    what, directory = sys.argv[1], Path(sys.argv[2])
    begun = time.monotonic_ns()
    {"start": start, "stop": stop, "run": run}[what](directory)
    with (directory / "commands").open("a") as commands:
        commands.write(f"{what} {begun} {time.monotonic_ns()}\n")


if __name__ == "__main__":
    main()
