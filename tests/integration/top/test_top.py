"""`opskit top` against real databases, printed and on a terminal."""

import fcntl
import os
import pty
import struct
import sys
import termios
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
import yaml

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

SECRET = "Geheim7"


@dataclass(frozen=True)
class Top:
    """`opskit top` for one database called `main`."""

    opskit: Opskit
    directory: Path

    @property
    def config(self) -> Path:
        return self.directory / "opskit.yaml"

    @property
    def sqlite(self) -> Path:
        return self.directory / "main.db"

    def use(self, engine: str) -> None:
        (self.directory / "app.env").write_text(f"DATABASE_TYPE={engine}\n", encoding="utf-8")

    def seen(self, *arguments: str) -> dict[str, Any]:
        (view,) = self.opskit("top", "-o", "json", "--config", self.config, *arguments).document["result"][
            "databases"
        ]
        assert SECRET not in str(view)
        return view

    def configure(self, **postgresql: object) -> None:
        document = {
            "application": {"env_file": "app.env"},
            "databases": {"main": {"sqlite": "main.db", "postgresql": postgresql.pop("dbname")}},
            "postgresql": postgresql,
            "state_dir": "state",
        }
        self.config.write_text(yaml.safe_dump(document), encoding="utf-8")


@pytest.fixture
def top(opskit: Opskit, tmp_path: Path, postgresql: PrivateCluster, database: TestDatabase) -> Top:
    """The application is on PostgreSQL, where somebody has been careless with a password."""
    make_sqlite(tmp_path / "main.db", "PRAGMA journal_mode=wal; CREATE TABLE users (id INTEGER, name TEXT)")
    top = Top(opskit, tmp_path)
    server = {"host": str(postgresql.socket_directory), "port": postgresql.port, "user": postgresql.superuser}
    top.configure(dbname=database.name, **server)
    top.use("postgresql")
    query(database, "CREATE EXTENSION pg_stat_statements; CREATE TABLE users (id bigint, name text)")
    query(database, "INSERT INTO users SELECT n, 'x' FROM generate_series(1, 3) n")
    query(database, f"CREATE ROLE r_{database.name} PASSWORD '{SECRET}' /* {SECRET} */")
    query(database, f"DROP ROLE r_{database.name}")
    return top


def wait_for(found: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not found():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@contextmanager
def blocked(database: TestDatabase) -> Generator[tuple[int, int]]:
    """The process ids of one who holds a row, and of one who waits for it."""
    with (
        psycopg.connect(database.conninfo, application_name="holder") as holder,
        psycopg.connect(database.conninfo) as waiter,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute(f"UPDATE users SET name = '{SECRET}' WHERE id = 1".encode())
        pool.submit(waiter.execute, f"DELETE FROM users WHERE name = '{SECRET}' OR id = 1".encode())
        wait_for(lambda: query(database, "SELECT 1 FROM pg_locks WHERE NOT granted"))
        yield holder.info.backend_pid, waiter.info.backend_pid
        holder.rollback()


def test_the_costliest_statements_come_with_their_text_and_without_secrets(top: Top) -> None:
    view = top.seen("--limit", "50")
    texts = [one["text"] for one in view["statements"]]
    assert "CREATE ROLE r_" in " ".join(texts)
    assert any(text.endswith("PASSWORD '…'") for text in texts)
    insert = next(one for one in view["statements"] if one["text"].startswith("INSERT INTO users"))
    assert (insert["cost"]["calls"], insert["cost"]["rows"]) == (1, 3)
    times = [one["cost"]["seconds"] for one in view["statements"]]
    assert times == sorted(times, reverse=True)
    assert len(top.seen("--limit", "2", "--sort", "rows")["statements"]) == 2


def test_who_blocks_whom_is_seen_with_both_statements(top: Top, database: TestDatabase) -> None:
    with blocked(database) as (holder, waiter):
        sessions = top.seen()["sessions"]
    assert [(one["pid"], one["blocked_by"]) for one in sessions] == [(holder, []), (waiter, [holder])]
    assert sessions[0]["state"] == "idle in transaction"
    assert sessions[0]["text"] == "UPDATE users SET name = '…' WHERE id = 1"
    assert sessions[1]["waits"].startswith("Lock ")


def test_a_role_without_rights_is_told_what_it_lacks(
    top: Top, database: TestDatabase, postgresql: PrivateCluster
) -> None:
    role = f"humble_{database.name}"
    query(database, f"CREATE ROLE {role} LOGIN")
    document = yaml.safe_load(top.config.read_text())
    top.config.write_text(yaml.safe_dump({**document, "exporter": {"user": role}}))
    with blocked(database):
        view = top.seen()
    query(database, f"DROP ROLE {role}")
    assert any("pg_monitor" in note for note in view["notes"])
    assert not [one for one in view["statements"] if "users" in one["text"]]


def test_without_statement_statistics_sessions_are_seen_all_the_same(
    top: Top, database: TestDatabase
) -> None:
    query(database, "DROP EXTENSION pg_stat_statements")
    with blocked(database):
        view = top.seen()
    assert len(view["sessions"]) == 2
    assert any("pg_stat_statements" in note for note in view["notes"])


def test_a_database_that_is_down_says_why_and_no_password_is_told(top: Top, database: TestDatabase) -> None:
    secret = top.directory / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    top.configure(dbname=database.name, host="127.0.0.1", port=1, password={"file": str(secret)})
    done = top.opskit("top", "--config", top.config)
    assert SECRET not in done.stdout + done.stderr
    assert (done.code, done.stdout.splitlines()) == (1, ["main (postgresql): not running"]), done.stderr


def test_the_holder_of_a_sqlite_lock_is_named(top: Top) -> None:
    top.use("sqlite")
    free = top.seen()["sqlite"]
    assert not free["locked"]
    connection = apsw.Connection(str(top.sqlite))
    try:
        connection.execute("BEGIN IMMEDIATE; INSERT INTO users VALUES (1, 'a'); COMMIT")
        open_only = top.seen()["sqlite"]
        connection.execute("BEGIN IMMEDIATE")
        held = top.seen()["sqlite"]
    finally:
        connection.close()
    assert not open_only["locked"]
    assert [(one["pid"], one["writes"]) for one in open_only["holders"]] == [(os.getpid(), False)]
    assert open_only["pending_bytes"] > 0
    assert open_only["wal_bytes"] > open_only["pending_bytes"]
    assert [(one["pid"], one["writes"]) for one in held["holders"]] == [(os.getpid(), True)]


def test_a_missing_sqlite_file_and_an_unknown_database_are_named(top: Top) -> None:
    top.use("sqlite")
    top.sqlite.unlink()
    done = top.opskit("top", "--config", top.config)
    assert (done.code, "no such file" in done.stdout) == (1, True)
    assert top.opskit("top", "--config", top.config, "--database", "nosuch").code == 2


class Terminal:
    """`opskit top` on a terminal of so many columns."""

    def __init__(self, top: Top, columns: int) -> None:
        self.pid, self._descriptor = pty.fork()
        if not self.pid:
            arguments = ["-m", "opskit", "top", "--config", str(top.config), "--interval", "0.3"]
            os.execve(sys.executable, [sys.executable, *arguments], top.opskit.environment())
        self.resize(columns)
        self.output = ""

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def press(self, key: str) -> None:
        os.write(self._descriptor, key.encode())

    def until(self, words: str) -> str:
        """All that was shown since it was asked last, up to these words."""
        while words not in self.output:
            self.output += os.read(self._descriptor, 65536).decode(errors="replace")
        shown, _, self.output = self.output.partition(words)
        return shown + words

    def end(self) -> int:
        with suppress(OSError):  # Linux's way to say that nobody is at the other end any more
            while True:
                self.output += os.read(self._descriptor, 65536).decode(errors="replace")
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "Ctrl-C"])
def test_on_a_terminal_it_goes_on_sorts_at_a_key_and_gives_the_terminal_back(
    top: Top, database: TestDatabase, key: str
) -> None:
    with blocked(database):
        terminal = Terminal(top, 70)
        assert terminal.until("now by time").startswith("\x1b[?1049h")
        assert "in the last" in terminal.until("now by time")
        terminal.press("s")
        shown = terminal.until("now by calls")
        assert "costliest statements by calls" in shown
        assert "UPDATE users SET name = '…'" in shown
        assert SECRET not in shown
        terminal.press(key)
        assert terminal.end() == 0
    assert terminal.output.rstrip().endswith("\x1b[?1049l")
