"""`migrate --follow`: the application goes on writing to SQLite, and PostgreSQL has every write."""

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event
from pathlib import Path

import apsw
import psycopg
import pytest

from opskit.schema.names import quote
from opskit.schema.sqlite_file import rows
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query, relations

SCRIPT = """
PRAGMA journal_mode = WAL;
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE, total DECIMAL(10,2), note);
CREATE TABLE users (name TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, age INTEGER, born TIMESTAMP) WITHOUT ROWID;
CREATE TABLE links (one TEXT NOT NULL, other INTEGER NOT NULL, weight REAL, PRIMARY KEY (one, other));
CREATE TABLE log (at TIMESTAMP, line TEXT);
CREATE TABLE loose (key PRIMARY KEY, value BLOB);
CREATE TABLE parts (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parts (id) ON DELETE CASCADE, name TEXT);
CREATE TABLE history (id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER remember AFTER UPDATE ON orders BEGIN INSERT INTO history (what) VALUES (NEW.code); END;
CREATE VIRTUAL TABLE notes USING fts5(title, body);
"""


def writes(random: random.Random) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Some statements of one transaction."""
    number, code = random.randrange(60), f"c{random.randrange(40)}"
    total = random.randrange(100000) / 100
    yield from random.sample(
        [
            ("INSERT OR REPLACE INTO orders (code, total, note) VALUES (?, ?, ?)", (code, total, "é\t\n\\")),
            ("INSERT OR IGNORE INTO orders (id, code, total) VALUES (?, ?, ?)", (number, code, total)),
            ("UPDATE OR REPLACE orders SET code = ? WHERE id = ?", (code, number)),
            ("UPDATE OR IGNORE orders SET id = id + 100 WHERE id = ?", (number,)),
            ("DELETE FROM orders WHERE id = ?", (number,)),
            (
                "REPLACE INTO users VALUES (?, ?, '2025-01-02 03:04:05')",
                (random.choice([code, code.upper()]), number),
            ),
            ("DELETE FROM users WHERE age = ?", (number,)),
            ("REPLACE INTO links VALUES (?, ?, ?)", (code, number, total)),
            ("UPDATE OR REPLACE links SET other = other + 1 WHERE one = ?", (code,)),
            ("INSERT INTO log VALUES ('2025-06-07 08:09:10', ?)", (code,)),
            ("DELETE FROM log WHERE rowid % 7 = ?", (number,)),
            ("REPLACE INTO loose VALUES (?, x'00ff')", (random.choice([number, code, None]),)),
            ("INSERT INTO parts (parent, name) VALUES (?, ?)", (None, code)),
            ("INSERT OR IGNORE INTO parts (id, parent, name) VALUES (?, ?, ?)", (number + 1, number, code)),
            ("DELETE FROM parts WHERE id = ?", (number,)),
            ("INSERT INTO notes VALUES (?, 'some words')", (code,)),
            ("UPDATE notes SET body = ? WHERE rowid = ?", (code, number)),
            ("INSERT INTO orders (code, note) VALUES (?, ?)", (f"n{random.random()}", b"a\0b".decode())),
        ],
        random.randrange(1, 6),
    )


def write(file: Path, seed: int, stop: Event, pause: float) -> None:
    """An application's process."""
    chance = random.Random(seed)
    connection = apsw.Connection(str(file))
    connection.set_busy_timeout(5000)
    connection.execute("PRAGMA foreign_keys = ON").fetchall()
    while not stop.is_set():
        with suppress(apsw.ConstraintError), connection:
            connection.execute("SAVEPOINT begun; DELETE FROM history WHERE id < 0").fetchall()
            for statement, values in writes(chance):
                connection.execute(statement, values).fetchall()
        time.sleep(pause)
    connection.close()


@contextmanager
def writers(file: Path, count: int = 3, pause: float = 0.002) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    processes = [context.Process(target=write, args=(file, seed, stop, pause)) for seed in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(30)
        assert [process.exitcode for process in processes] == [0] * count


@pytest.fixture
def source(tmp_path: Path) -> Path:
    chance = random.Random(0)
    statements = [one for _ in range(300) for one in writes(chance)]
    file = make_sqlite(tmp_path / "app.db", SCRIPT)
    connection = apsw.Connection(str(file))
    for statement, values in statements:
        with suppress(apsw.ConstraintError):
            connection.execute(statement, values).fetchall()
    connection.close()
    return file


def execute(file: Path, script: str) -> None:
    connection = apsw.Connection(str(file))
    connection.set_busy_timeout(5000)
    connection.execute(script).fetchall()
    connection.close()


def assert_equal(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    result = opskit("verify", source, database.url, "--level", "rows", "-o", "json")
    assert result.code == 0, result.stdout


def test_writers_go_on_while_their_database_is_migrated(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    with writers(source):
        time.sleep(0.3)
        result = opskit("migrate", source, database.url, "--follow", "--yes", "-o", "json")
        assert result.code == 0, result.stdout + result.stderr
        (followed,) = result.document["result"]["followed"]
        assert followed["lag"] < 1
        again = opskit("migrate", source, database.url, "--follow", "-o", "json")
        assert again.code == 0, again.stdout
        assert again.document["result"]["followed"][0]["changes"] > 0
    last = opskit("migrate", source, database.url, "--follow", "-o", "json")
    assert last.code == 0, last.stdout
    assert_equal(opskit, source, database)
