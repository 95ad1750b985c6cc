"""An application with two databases and strays, PostgreSQL, opskit, and what strikes them."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from opskit.config import Engine
from tests.crash import rows
from tests.crash.checker import Found, Window
from tests.crash.ledger import Note, read_ledger
from tests.crash.node import writer_command
from tests.crash.scenario import DATABASES, Fault, Kind, Scenario
from tests.crash.server import Server
from tests.crash.supervisor import Forked, order
from tests.crash.workload import beginning, line, transaction
from tests.crash.writer import Spec
from tests.disks import Disk
from tests.support import Result, make_sqlite

_SHAPES = Path(__file__).with_name("shapes")
_SUPERVISOR = Path(__file__).with_name("supervisor.py")

_PATIENCE = 90.0
_WORK = 5000
"""Transactions that a writer in another language can do, in all."""

WRITERS = ("w0", "w1")
STRAYS = {"s0": "sqlite", "s1": "postgresql"}

_RIGHTS = """
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO opskit_owner;
GRANT USAGE, CREATE ON SCHEMA public TO application;
GRANT USAGE ON SCHEMA public TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON TABLES TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON SEQUENCES TO opskit_standby;
"""
_OWNED = """
SELECT format('DROP %s IF EXISTS public.%I CASCADE',
    CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, relname)
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
UNION ALL SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', oid::regprocedure)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


class World:
    """What a run happens to.

    Attributes:
        names: database → its name in PostgreSQL.
        told: what opskit was told to do and how it ended, for people.
        windows: when the side may have changed.
    """

    def __init__(self, scenario: Scenario, server: Server, host: Disk, supervisor: str, kept: Path) -> None:
        self.scenario = scenario
        self.server = server
        self.host = host
        self.told: list[str] = []
        self.windows: list[Window] = []
        self._begun = time.monotonic()
        self._numbers = count(1)
        self.names = {name: f"{name}_{os.urandom(4).hex()}" for name in DATABASES}
        self._supervisor = supervisor
        self._kept = kept
        self.application = host.root / kept.name
        self.application.mkdir()
        self.state_dir = self.application / "state"
        self.configuration = self.application / "opskit.yaml"
        self._make_databases()
        self._configure()

    def file(self, name: str) -> Path:
        """The application's SQLite file."""
        return self.application / f"{name}.db"

    def start(self) -> None:
        """The application and the strays begin to write."""
        for group, writers in (("application", WRITERS), ("strays", tuple(STRAYS))):
            self._order("start", group, *(str(self._spec(writer)) for writer in writers))

    def stop(self) -> None:
        """Nobody writes any more."""
        self._order("stop", "application")
        self._order("stop", "strays")

    def acknowledged(self) -> int:
        """How many transactions each writer of the application has seen acknowledged, at least."""
        ledgers = (self._ledger(writer) for writer in WRITERS)
        return min(one.read_bytes().count(b'"acknowledged"') if one.exists() else 0 for one in ledgers)

    def notes(self) -> list[Note]:
        """What all writers have noted, in the order of time."""
        found = (one for writer in (*WRITERS, *STRAYS) for one in read_ledger(self._ledger(writer), writer))
        return sorted(found, key=lambda one: one.at)

    def found(self, name: str, engine: Engine) -> Found:
        """What a side of a database holds."""
        if engine is Engine.SQLITE:
            return rows.in_sqlite(self.file(name), name)
        return rows.in_postgresql(self.server.cluster.conninfo(self.names[name]), name)

    def tell(self, text: str) -> None:
        """Notes what happens, and when."""
        self.told.append(f"{time.monotonic() - self._begun:6.2f} s  {text}")

    def begin_window(self, engine: Engine) -> None:
        """From now on the side may change."""
        self.windows.append(Window(time.monotonic_ns(), engine))

    def start_opskit(self, *arguments: str, entry: int = 0) -> Forked:
        """opskit, held behind an entry of its journals; 0: never."""
        words = (*arguments, "--config", str(self.configuration), "-o", "json")
        output = self._kept / f"opskit-{next(self._numbers)}"
        return Forked(self._supervisor, entry, self.state_dir, words, output)

    def run(self, *arguments: str) -> Result:
        """opskit, from beginning to end."""
        return self.ended(self.start_opskit(*arguments), *arguments)

    def ended(self, process: Forked, *arguments: str) -> Result:
        """How opskit ended."""
        result = Result(*process.wait(_PATIENCE))
        whole = result.stdout and result.code >= 0  # a kill may have cut the document
        errors = result.document["errors"] if whole else result.stderr[-2000:]
        self.tell(f"{' '.join(arguments)}: {result.code} {errors or ''}")
        assert "Traceback" not in result.stderr, result.stderr
        return result

    def status(self) -> dict[str, Any]:
        """What `opskit status` says."""
        return self.run("status").document["result"]

    def struck(self, fault: Fault, entry: int, *arguments: str) -> Result:
        """opskit, with a fault behind an entry of its journals; mended when this returns."""
        process = self.start_opskit(*arguments, entry=entry)
        try:
            if process.is_held():
                self._strike_held(process, fault)
            return self.ended(process, *arguments, f"struck at {entry}")
        finally:
            self.mend(fault)

    def strike(self, fault: Fault, process: Forked) -> None:
        """The fault happens."""
        match fault.kind:
            case Kind.KILL_OPSKIT:
                process.signal(signal.SIGKILL)
            case Kind.KILL_WRITERS:
                self._order("kill", "application")
            case Kind.KILL_SERVER:
                self.server.kill()
            case Kind.STOP_SERVER:
                self.server.suspend()
            case Kind.CUT_SESSIONS:
                self.server.cut()
            case Kind.FILL_HOST:
                self.host.fill()
            case Kind.FILL_SERVER:
                self.server.storage.fill()

    def mend(self, fault: Fault) -> None:
        """What the fault has broken works again."""
        self.host.free()
        if fault.kind in (Kind.KILL_SERVER, Kind.STOP_SERVER, Kind.FILL_SERVER):
            self.server.mend()

    def empty_postgresql(self) -> None:
        """An operator empties the databases, to migrate anew."""
        for name in self.names.values():
            with psycopg.connect(self.server.cluster.conninfo(name), autocommit=True) as admin:
                for (statement,) in admin.execute(_OWNED).fetchall():
                    admin.execute(str(statement).encode())

    def close(self) -> None:
        """Ends what is left, and removes what PostgreSQL keeps."""
        self.stop()
        self.host.free()
        self.server.mend()
        drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s"
        with psycopg.connect(self.server.cluster.conninfo("postgres"), autocommit=True) as admin:
            for name in self.names.values():
                admin.execute(drop, (name,))
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        shutil.rmtree(self.application)

    def _strike_held(self, process: Forked, fault: Fault) -> None:
        if fault.delay:
            process.go()
            time.sleep(fault.delay)
        self.strike(fault, process)
        if fault.kind is Kind.KILL_OPSKIT:
            return
        if not fault.delay:
            process.go()
        if fault.lasts is not None:
            time.sleep(fault.lasts)
            self.mend(fault)

    def _order(self, *words: str) -> None:
        order(self._supervisor, *words)

    def _ledger(self, writer: str) -> Path:
        return self._kept / f"{writer}.jsonl"

    def _spec(self, writer: str) -> Path:
        """The file that tells a writer what to do; the last one goes by `.env` as it was at its start."""
        file = self._kept / f"{writer}.json"
        cluster = self.server.cluster
        where = {"host": str(cluster.socket_directory), "port": cluster.port, "user": "application"}
        spec = Spec(
            writer=writer,
            seed=self.scenario.seed,
            env_file=str(self.application / ".env"),
            sqlite={name: str(self.file(name)) for name in DATABASES},
            postgresql={name: {**where, "dbname": one} for name, one in self.names.items()},
            ledger=str(self._ledger(writer)),
            config=str(self.configuration),
            only=STRAYS.get(writer),
            rereads=writer != WRITERS[-1],
            pause=0.05 if writer in STRAYS else 0.02,
        )
        if writer == WRITERS[-1] and self.scenario.with_node:
            workload = self._workload(writer)
            spec = replace(spec, workload=str(workload), command=tuple(writer_command(file)))
        file.write_text(json.dumps(asdict(spec)))
        return file

    def _workload(self, writer: str) -> Path:
        file = self._kept / f"{writer}.work.jsonl"
        if not file.exists():
            work = (line(transaction(self.scenario.seed, writer, one)) for one in range(1, _WORK))
            file.write_text("\n".join(work))
        return file

    def _make_databases(self) -> None:
        for name, target in self.names.items():
            make_sqlite(self.file(name), (_SHAPES / f"{name}.sql").read_text(), *_first_rows(name))
            self.server.cluster.create_database(target, "opskit_owner")
            one = sql.Identifier(target)
            with psycopg.connect(self.server.cluster.conninfo(target), autocommit=True) as admin:
                admin.execute(_RIGHTS)
                admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(one))
                admin.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO application, opskit_standby").format(one)
                )

    def _configure(self) -> None:
        (self.application / ".env").write_text("# the application's\nDATABASE_TYPE=sqlite\n")
        command = f"{sys.executable}, -S, -E, {_SUPERVISOR}, {self._supervisor}"
        databases = "".join(
            f"\n  {name}: {{sqlite: {self.file(name)}, postgresql: {one}}}"
            for name, one in self.names.items()
        )
        cluster = self.server.cluster
        self.configuration.write_text(f"""
application:
  env_file: {self.application}/.env
  stop: [{command}, stop, application]
  start: [{command}, start, application]
  patience: 10s
databases: {databases}
postgresql: {{host: {cluster.socket_directory}, port: {cluster.port}, user: application}}
migrate: {{user: opskit_owner}}
rollback: {{small: {0 if self.scenario.by_log else 16}}}
state_dir: {self.state_dir}
""")


def _first_rows(name: str) -> Iterator[tuple[str, list[list[Any]]]]:
    for table, found in beginning(name, (*WRITERS, *STRAYS)).items():
        values = [list(row.values()) for row in found.values()]
        if values:
            yield f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values
