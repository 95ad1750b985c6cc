"""A writer: writes into both databases on the side that the application's `.env` names, until it is killed.

python -m tests.crash.writer SPEC    # a file of JSON, see `Spec`
"""

import json
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import apsw
import psycopg

from opskit import Databases
from opskit.config import Engine
from opskit.errors import OpskitError
from tests.crash.ledger import Ledger
from tests.crash.operations import Statement
from tests.crash.workload import transaction

_REST = 0.02


@dataclass(frozen=True, slots=True)
class Spec:
    """What a writer is told.

    Attributes:
        sqlite: database → its file; `postgresql`: database → libpq's parameters.
        config: opskit.yaml, for the adapters.
        command: who writes instead of this program, by the transactions in the file `workload`.
        fsync: the host may crash; see `Ledger`, also for `clock_offset`.
        only: a side that is written to whatever `.env` says, by a stray process that opens it anew each time.
        rereads: reads `.env` after each error; otherwise at its start only, as most applications do.
        pause: seconds between two transactions.
    """

    writer: str
    seed: int
    env_file: str
    sqlite: dict[str, str]
    postgresql: dict[str, dict[str, Any]]
    ledger: str
    config: str = ""
    command: tuple[str, ...] = ()
    workload: str = ""
    fsync: bool = False
    clock_offset: int = 0
    only: str | None = None
    rereads: bool = True
    pause: float = 0.002

    @classmethod
    def read(cls, file: Path) -> Self:
        """As it stands in a file."""
        return cls(**json.loads(file.read_text()))


def write(spec: Spec) -> None:
    """Writes until it is killed."""
    with Ledger(Path(spec.ledger), spec.writer, durable=spec.fsync, clock_offset=spec.clock_offset) as ledger:
        side: _Writes = _stray(spec) if spec.only else _Application(spec)
        for number in range(ledger.next, sys.maxsize):
            while (engine := side.engine()) is None:
                time.sleep(_REST)
            one = transaction(spec.seed, spec.writer, number)
            ledger.note(number, "begun", engine, one.database)
            try:
                side.perform(one.database, list(one.statements(engine)))
            except (apsw.Error, psycopg.Error, OpskitError) as error:
                ledger.note(number, "failed", engine, one.database, f"{type(error).__name__}: {error}")
                side.forget()
                time.sleep(_REST)
            else:
                ledger.note(number, "acknowledged", engine, one.database)
                time.sleep(spec.pause)


class _Application:
    """A part of the application: it goes by `.env`, and keeps its connections."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._databases: Databases | None = None
        self._environ: dict[str, str] = {}

    def engine(self) -> Engine | None:
        if self._databases is None:
            try:
                self._databases = Databases.open(Path(self._spec.config), self._environ, wait_seconds=3)
            except OpskitError:
                return None
        engine = next(iter(self._databases.values())).engine
        if not self._spec.rereads:
            self._environ = {"DATABASE_TYPE": engine.value}
        return engine

    def perform(self, database: str, statements: list[Statement]) -> None:
        assert self._databases is not None
        with self._databases[database].transaction() as connection:
            for sql, values in statements:
                connection.execute(sql, values)

    def forget(self) -> None:
        if self._databases is not None:
            self._databases.close(0)
            self._databases = None


class _StraySqlite:
    """Writes to the files, whatever has become of them; it has them open only while it writes."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec

    def engine(self) -> Engine | None:
        return Engine.SQLITE

    def perform(self, database: str, statements: list[Statement]) -> None:
        file = self._spec.sqlite[database]
        with closing(apsw.Connection(file, flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            connection.set_busy_timeout(3000)
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")

    def forget(self) -> None:
        pass


class _StrayPostgresql:
    """Writes to PostgreSQL, from the moment on at which it was shut out for the first time."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._was_refused = False

    def engine(self) -> Engine | None:
        if not self._was_refused:
            self._was_refused = all(map(self._refuses, self._spec.postgresql))
        return Engine.POSTGRESQL if self._was_refused else None

    def perform(self, database: str, statements: list[Statement]) -> None:
        with self._connect(database) as connection:
            for sql, values in statements:
                connection.execute(sql.replace("?", "%s").encode(), values)

    def forget(self) -> None:
        pass

    def _refuses(self, database: str) -> bool:
        try:
            self._connect(database).close()
        except psycopg.Error as error:
            return "permission denied" in str(error)
        return False

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        parameters = {**self._spec.postgresql[database], "application_name": "stray", "connect_timeout": 2}
        return psycopg.connect(**parameters)


_Writes = _Application | _StraySqlite | _StrayPostgresql


def _stray(spec: Spec) -> _Writes:
    return _StraySqlite(spec) if spec.only == "sqlite" else _StrayPostgresql(spec)


if __name__ == "__main__":
    write(Spec.read(Path(sys.argv[1])))
