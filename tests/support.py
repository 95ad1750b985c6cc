"""What tests of several rooms need: SQLite files, and opskit as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import psycopg

from tests.conftest import TestDatabase


def make_sqlite(file: Path, script: str, *inserts: tuple[str, Sequence[Sequence[Any]]]) -> Path:
    """A SQLite file made by a script and by statements with their rows."""
    connection = apsw.Connection(str(file))
    try:
        connection.execute(script).fetchall()
        with connection:
            for statement, rows in inserts:
                connection.executemany(statement, rows)
    finally:
        connection.close()
    return file


@dataclass(frozen=True, slots=True)
class Result:
    """How an opskit process ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON envelope on stdout."""
        return json.loads(self.stdout)

    @property
    def error(self) -> dict[str, str]:
        """The only error of the envelope."""
        (error,) = self.document["errors"]
        return error


class Opskit:
    """opskit as processes of their own, with one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._started: list[subprocess.Popen[str]] = []

    def environment(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """This process's environment without its own settings of opskit and libpq."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "OPSKIT_"))}
        return {**kept, "OPSKIT_STATE_DIR": str(self.state_dir), **(environ or {})}

    def start(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> "subprocess.Popen[str]":
        """A running process; end it with `finish`, or kill it."""
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", "opskit", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=self.environment(environ),
        )
        self._started.append(process)
        return process

    def kill(self) -> None:
        """Ends whatever still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def __call__(
        self, *arguments: str | Path, cwd: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> Result:
        """A process run to its end."""
        return finish(self.start(*arguments, cwd=cwd, environ=environ))

    def files(self) -> list[str]:
        """What the state directory holds, journals and lock apart."""
        found = (path.relative_to(self.state_dir) for path in self.state_dir.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if path.suffix != ".jsonl" and path.name != "lock")


def finish(process: "subprocess.Popen[str]") -> Result:
    """Waits for the end of a process."""
    stdout, stderr = process.communicate(timeout=120)
    return Result(process.returncode, stdout, stderr)


def query(database: TestDatabase, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement in a PostgreSQL database; an empty list for one without rows."""
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def relations(database: TestDatabase) -> list[str]:
    """Everything that stands in any schema of a user's: nothing in an untouched database."""
    found = query(
        database,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
        " UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'opskit_staging' ORDER BY 1",
    )
    return [name for (name,) in found]
