"""A source is read at one moment, whoever writes to it, and it and its directory stay as they were."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from opskit.schema.sqlite_file import rows
from tests.conftest import TestDatabase
from tests.sqlite_states import (
    ROWS,
    STATES,
    beside,
    closed_wal,
    crashed_wal,
    fingerprint,
    hot_journal,
    in_use,
    never_written,
)
from tests.support import Opskit, finish, make_sqlite, query

TOTAL = 1_000_000

WRITER = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(5000)
connection.execute(sys.argv[2]).fetchall()
number = 0
while True:
    number += 1
    with connection:
        connection.execute("UPDATE accounts SET balance = balance - 1 WHERE id = 1").fetchall()
        connection.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 2").fetchall()
        connection.execute("INSERT INTO transfers (number) VALUES (?)", (number,)).fetchall()
    if number == 1:
        print("writing", flush=True)
"""
"""Moves money as fast as it can, and ends with an error when it is held up for longer than 5 seconds."""

BANK = (
    "CREATE TABLE filler (id INTEGER PRIMARY KEY, body TEXT);"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    " INSERT INTO filler SELECT i, 'filler ' || i FROM n;"
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER);"
    f"INSERT INTO accounts VALUES (1, {TOTAL}), (2, 0);"
    "CREATE TABLE transfers (id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER)"
)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    (tmp_path / "bank").mkdir()
    return make_sqlite(tmp_path / "bank" / "bank.db", f"PRAGMA journal_mode = wal; {BANK}")


@contextmanager
def written_to(file: Path, setting: str = "PRAGMA wal_autocheckpoint = 0") -> Generator[None]:
    """Another process writes to the file all the time; it must still do so at the end."""
    command = [sys.executable, "-c", WRITER, file, setting]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "writing\n"
        yield
        assert writer.poll() is None
        writer.kill()


def arrived(database: TestDatabase) -> int:
    """How many transfers arrived; what changed in one transaction arrived together."""
    ((total, moved),) = query(
        database, "SELECT sum(balance)::int, max(balance) FILTER (WHERE id = 2) FROM accounts"
    )
    assert total == TOTAL
    assert query(database, "SELECT count(*), max(number) FROM transfers") == [(moved, moved)]
    return moved


def test_the_copy_is_one_consistent_moment(opskit: Opskit, bank: Path, database: TestDatabase) -> None:
    wal = bank.with_name("bank.db-wal")
    main_file = bank.read_bytes()
    with written_to(bank):
        result = opskit("migrate", bank, database.url, "-o", "json")
        size = wal.stat().st_size
    assert result.code == 0, result
    assert arrived(database) > 0
    # no checkpoint: the WAL holds everything that was written, the file nothing of it
    assert wal.stat().st_size >= size > 0
    assert bank.read_bytes() == main_file

    backup = Path(result.document["result"]["databases"][0]["backup"])
    connection = apsw.Connection(str(backup), flags=apsw.SQLITE_OPEN_READONLY)
    assert rows(connection, "SELECT sum(balance) FROM accounts") == [(TOTAL,)]
    connection.close()
    assert opskit("verify", backup, database.url).code == 0


def test_the_writer_goes_on_while_the_rows_are_copied(
    opskit: Opskit, bank: Path, database: TestDatabase
) -> None:
    with written_to(bank):
        assert opskit("migrate", bank, database.url).code == 0
    result = opskit("verify", bank, database.url, "-o", "json")
    assert result.code == 3
    tables = {table["table"]: table["equal"] for table in result.document["result"]["databases"][0]["tables"]}
    assert tables == {"filler": True, "accounts": False, "transfers": False}


def test_the_wal_of_an_application_that_is_not_running_is_left_to_it(
    opskit: Opskit, bank: Path, database: TestDatabase
) -> None:
    with written_to(bank):
        pass  # killed: everything it wrote stands in the WAL
    wal = bank.with_name("bank.db-wal")
    before = (bank.read_bytes(), wal.read_bytes())
    assert opskit("migrate", bank, database.url).code == 0
    assert opskit("verify", bank, database.url).code == 0
    assert (bank.read_bytes(), wal.read_bytes()) == before


@pytest.mark.parametrize(
    "setting", ["PRAGMA journal_mode = delete", "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 10"]
)
def test_a_writer_at_full_speed_is_never_turned_away_in_any_journal_mode(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, setting: str
) -> None:
    bank = make_sqlite(tmp_path / "bank.db", BANK)
    with written_to(bank, setting):
        assert opskit("migrate", bank, database.url, "--plan").code == 3
        assert opskit("migrate", bank, database.url).code == 0
        moved = arrived(database)
        assert opskit("verify", bank, database.url).code == 3  # the application has gone on
    assert moved > 0


@pytest.mark.parametrize("make", [state for state in STATES if state is not never_written])
def test_a_file_in_any_state_is_migrated_and_left_as_it_was(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, make: Callable[[Path], int]
) -> None:
    directory = tmp_path / "what? 100% #1"
    directory.mkdir()
    file = directory / "app 50%?#.db"
    count = make(file)
    before = fingerprint(directory)
    assert opskit("migrate", file, database.url).code == 0
    assert opskit("verify", file, database.url).code == 0
    assert fingerprint(directory) == before
    assert query(database, "SELECT count(*) FROM t") == [(count,)]
    assert len(opskit.files()) == 1  # the backup


def test_a_file_that_an_application_has_open_is_migrated_and_left_as_it_was(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    directory = tmp_path / "application"
    directory.mkdir()
    file, link = directory / "app.db", tmp_path / "link.db"
    closed_wal(file)
    link.symlink_to(file)
    with in_use(file):
        before = fingerprint(directory)
        assert opskit("migrate", link, database.url).code == 0
        assert opskit("verify", link, database.url).code == 0
        assert fingerprint(directory) == before
    assert query(database, "SELECT count(*) FROM t") == [(2 * ROWS,)]
    assert beside(file) == set()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["application", "link.db", "state"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("make", [closed_wal, crashed_wal, hot_journal])
def test_a_mount_that_is_read_only_will_do(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, make: Callable[[Path], int]
) -> None:
    """The mounts are seen by that process alone and go with it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "mounted").mkdir()
    count = make(tmp_path / "disk" / "app.db")
    mount = 'mount --bind "$0" "$1" && mount -o remount,bind,ro "$1" && ! touch "$1/x" && shift && exec "$@"'
    places = (str(tmp_path / "disk"), str(tmp_path / "mounted"))
    wrapper = ("unshare", "--mount", "sh", "-c", mount, *places)
    before = fingerprint(tmp_path / "disk")
    result = finish(opskit.start("migrate", tmp_path / "mounted" / "app.db", database.url, wrapper=wrapper))
    assert result.code == 0, result
    assert fingerprint(tmp_path / "disk") == before
    assert query(database, "SELECT count(*) FROM t") == [(count,)]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_file_that_an_application_keeps_for_itself_is_refused_as_locked(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, mode: str
) -> None:
    file = make_sqlite(tmp_path / "app.db", f"PRAGMA journal_mode = {mode}; CREATE TABLE t (a)")
    application = apsw.Connection(str(file))
    rows(application, "PRAGMA locking_mode = exclusive; INSERT INTO t VALUES (1)")
    result = opskit("migrate", file, database.url, "-o", "json")
    application.close()
    assert (result.code, result.error["code"]) == (6, "sqlite_locked")
    assert str(file) in result.error["message"]
    assert "fuser" in result.error["hint"]
    assert opskit.files() == []
