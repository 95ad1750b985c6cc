"""The benchmark's world: a database that the application has moved to, and the process that follows it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import apsw
import psycopg

from opskit.capture.position import lsn_of
from opskit.host.private_cluster import PrivateCluster
from opskit.runs.standby_state import State, read_state
from opskit.schema.sqlite_file import rows
from opskit.standby.place_table import place_of

SETTINGS = {
    "wal_level": "logical",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "synchronous_commit": "off",
}
ROLES = "CREATE ROLE opskit_owner LOGIN; CREATE ROLE opskit_standby LOGIN REPLICATION"
RIGHTS = """
GRANT CREATE, USAGE ON SCHEMA public TO opskit_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner GRANT SELECT ON TABLES TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner GRANT SELECT ON SEQUENCES TO opskit_standby;
"""
TABLES = """
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, conversation TEXT NOT NULL,
                       content TEXT NOT NULL, tokens INTEGER NOT NULL, temperature REAL,
                       is_error BOOLEAN NOT NULL DEFAULT 0,
                       created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX messages_conversation ON messages (conversation);
CREATE TABLE emails (id TEXT PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, body TEXT,
                     recipients TEXT NOT NULL DEFAULT '[]', priority INTEGER NOT NULL DEFAULT 3,
                     received_at TIMESTAMP NOT NULL);
CREATE TABLE items (deal TEXT NOT NULL, position INTEGER NOT NULL, label TEXT NOT NULL,
                    price DECIMAL(10,2) NOT NULL, PRIMARY KEY (deal, position));
"""
ROWS = 100_000
BODY = "The quick brown fox jumps over the lazy dog, and does so again and again. " * 4

WORK = f"""
CREATE SEQUENCE seeds;
CREATE PROCEDURE work(transactions int) LANGUAGE plpgsql AS $$
DECLARE
    it bigint;
    any_row int;
BEGIN
    FOR n IN 1 .. transactions LOOP
        it := nextval('seeds');
        any_row := 1 + (random() * {ROWS - 1})::int;
        INSERT INTO messages (conversation, content, tokens, temperature)
            VALUES ('c' || it % 500, '{BODY}', it % 4000, 0.7), ('c' || it % 700, 'short', 1, NULL);
        INSERT INTO emails
            VALUES ('new-' || it, 'm-' || it, 'subject ' || it, '{BODY}', '["a@example.org"]', 3, now());
        INSERT INTO items VALUES ('new-' || it, 1, 'label ' || it, it % 1000 + 0.5);
        UPDATE messages SET tokens = it WHERE id = any_row;
        UPDATE emails SET priority = it % 5, subject = 'seen ' || it WHERE id = 'e' || any_row;
        UPDATE items SET price = it % 100 WHERE deal = 'd' || any_row AND position = 1;
        UPDATE messages SET is_error = NOT is_error WHERE id = any_row % 1000 + 1;
        DELETE FROM items WHERE deal = 'new-' || (it - 200) AND position = 1;
        DELETE FROM emails WHERE id = 'new-' || (it - 200);
        COMMIT;
    END LOOP;
END $$;
"""
"""Ten changes a transaction: four inserts, four updates, two deletes."""

PER_TRANSACTION = 10


FILL = f"""
BEGIN;
CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
                       SELECT i FROM n;
INSERT INTO messages (conversation, content, tokens) SELECT 'c' || i % 500, '{BODY}', i FROM n;
INSERT INTO emails SELECT 'e' || i, 'm' || i, 'subject', '{BODY}', '["a@example.org"]', 3,
                          '2025-08-14 12:33:01' FROM n;
INSERT INTO items SELECT 'd' || i, 1, 'label', i / 100.0 FROM n;
COMMIT;
"""


def filled(file: Path) -> Path:
    """The application's file as it was left."""
    connection = apsw.Connection(str(file))
    rows(connection, TABLES)
    rows(connection, FILL)
    connection.close()
    return file


class Application:
    """The database that the application has moved to."""

    def __init__(self, cluster: PrivateCluster) -> None:
        self.cluster = cluster

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """A statement of the owner's, in a session of its own."""
        with psycopg.connect(self.cluster.conninfo("app", "opskit_owner"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def lsn(self) -> int:
        """Where the log ends."""
        ((text,),) = self.run("SELECT pg_current_wal_insert_lsn()::text")
        return lsn_of(str(text))

    def busy(self, writers: int, work: Callable[["psycopg.Connection[tuple[object, ...]]"], None]) -> None:
        """Lets several sessions work, until all have ended."""

        def one() -> None:
            with psycopg.connect(self.cluster.conninfo("app", "opskit_owner"), autocommit=True) as connection:
                work(connection)

        threads = [threading.Thread(target=one) for _ in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def change(self, changes: int) -> None:
        """Small transactions of two writers, without waiting for a client between them."""
        calls = changes // PER_TRANSACTION // 2
        self.busy(2, lambda connection: ignore(connection.execute("CALL work(%s)", (calls,))))


def ignore(_result: object) -> None:
    """What was asked for is done."""


class Standby:
    """The process that follows, as the service runs it."""

    def __init__(self, application: Application, room: Path, niceness: int) -> None:
        self.file = room / "standby" / "main.db"
        self._application = application
        self._niceness = niceness
        self._config = room / "opskit.yaml"
        (room / ".env").write_text("DATABASE_TYPE=postgresql\n")
        cluster = application.cluster
        self._config.write_text(f"""
application: {{env_file: {room / ".env"}}}
databases: {{main: {{sqlite: {room / "app.db"}, postgresql: app}}}}
postgresql: {{host: {cluster.socket_directory}, port: {cluster.port}, user: application}}
rollback: {{directory: {self.file.parent}, small: 0}}
state_dir: {room / "state"}
""")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def opskit(self, *arguments: str) -> None:
        """A command of opskit's."""
        subprocess.run([sys.executable, "-m", "opskit", *arguments], check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Returns when the way back is ready, and the rest is over that follows a whole comparison."""
        command = ["nice", f"-n{self._niceness}", sys.executable, "-m", "opskit", "standby", "run"]
        self._process = subprocess.Popen(
            [*command, "-q", "--config", str(self._config)], start_new_session=True
        )
        while not self.state().ready:
            time.sleep(0.1)
        self._application.run("UPDATE items SET label = 'changed' WHERE deal = 'd1'")
        self.catches_up(self._application.lsn())

    def stop(self) -> None:
        """Ends it, as systemd would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait()
        self._process = None
        self.file.with_suffix(".json").unlink(missing_ok=True)

    def close(self) -> None:
        """Ends the way back."""
        self.stop()
        self.opskit("standby", "close", "--yes", "--config", str(self._config))

    def open(self) -> None:
        """Opens it anew, unless it is open."""
        if self._process is None:
            self.file.with_suffix(".json").unlink(missing_ok=True)
            self.start()

    def state(self) -> State:
        """As it was told last."""
        return read_state(self.file.with_suffix(".json"), "main")

    @contextmanager
    def held(self) -> Generator[None]:
        """It does not run meanwhile."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def catches_up(self, lsn: int) -> float:
        """Seconds until the file has all that was before a place."""
        begun = time.monotonic()
        while (place := place_of(self.file)) is None or place.position < lsn:
            time.sleep(0.02)
        return time.monotonic() - begun

    def cpu(self) -> float:
        """Seconds of the processor's that it has taken."""
        return cpu(self.pid)

    def server_cpu(self) -> float:
        """Those that its sessions have taken."""
        found = self._application.run(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'opskit standby%'"
        )
        return sum(cpu(cast("int", pid)) for (pid,) in found)

    def told(self, before: int) -> int:
        """How many changes it has taken over since it told of some, once it tells of all."""
        while self.state().changes == before:
            time.sleep(0.1)
        time.sleep(1.5)
        return self.state().changes - before

    def forget_peak(self) -> None:
        """Memory at most counts from here on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self) -> float:
        """Megabytes at most."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1000


def cpu(pid: int) -> float:
    """Seconds of the processor's that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
