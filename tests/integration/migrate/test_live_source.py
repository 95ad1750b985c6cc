"""A source that is being written to is copied as of one moment, and its WAL stays the application's."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

TOTAL = 1_000_000

WRITER = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(10000)
connection.execute("PRAGMA wal_autocheckpoint = 0")
number = 0
while True:
    number += 1
    with connection:
        connection.execute("UPDATE accounts SET balance = balance - 1 WHERE id = 1")
        connection.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 2")
        connection.execute("INSERT INTO transfers (number) VALUES (?)", (number,))
    if number == 1:
        print("writing", flush=True)
"""


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return make_sqlite(
        tmp_path / "bank.db",
        "PRAGMA journal_mode = wal;"
        "CREATE TABLE filler (id INTEGER PRIMARY KEY, body TEXT);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        " INSERT INTO filler SELECT i, 'filler ' || i FROM n;"
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER);"
        f"INSERT INTO accounts VALUES (1, {TOTAL}), (2, 0);"
        "CREATE TABLE transfers (id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER)",
    )


@contextmanager
def written_to(file: Path) -> Iterator[None]:
    """Another process writes to the file all the time, without checkpoints of its own."""
    with subprocess.Popen([sys.executable, "-c", WRITER, file], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "writing\n"
        yield
        writer.kill()


def test_the_copy_is_one_consistent_moment(opskit: Opskit, bank: Path, database: TestDatabase) -> None:
    wal = bank.with_name("bank.db-wal")
    main_file = bank.read_bytes()
    with written_to(bank):
        result = opskit("migrate", bank, database.url, "-o", "json")
        size = wal.stat().st_size
    assert result.code == 0, result
    ((total, moved),) = query(
        database, "SELECT sum(balance)::int, max(balance) FILTER (WHERE id = 2) FROM accounts"
    )
    assert total == TOTAL
    assert moved > 0
    assert query(database, "SELECT count(*), max(number) FROM transfers") == [(moved, moved)]
    # no checkpoint: the WAL holds everything that was written, the file nothing of it
    assert wal.stat().st_size >= size > 0
    assert bank.read_bytes() == main_file

    backup = Path(result.document["result"]["databases"][0]["backup"])
    connection = apsw.Connection(str(backup), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT sum(balance) FROM accounts").fetchall() == [(TOTAL,)]
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
