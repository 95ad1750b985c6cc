"""`migrate --follow`: the application goes on writing to SQLite, and PostgreSQL has every write."""

import multiprocessing
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event
from pathlib import Path

import apsw
import pytest

from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query, relations

SCRIPT = """
PRAGMA journal_mode = WAL;
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE, total DECIMAL(10,2), note);
CREATE TABLE users (name TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, age INTEGER, born TIMESTAMP) WITHOUT ROWID;
CREATE TABLE links (one TEXT NOT NULL, other INTEGER NOT NULL, weight REAL, PRIMARY KEY (one, other));
CREATE TABLE log (at TIMESTAMP, line TEXT);
CREATE TABLE loose (key PRIMARY KEY, value BLOB);
CREATE TABLE parts (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parts (id) ON DELETE CASCADE, name);
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
            ("REPLACE INTO links (one, other, weight) VALUES (?, ?, ?)", (code, number, total)),
            ("UPDATE OR REPLACE links SET other = other + 1 WHERE one = ?", (code,)),
            ("INSERT INTO log (at, line) VALUES ('2025-06-07 08:09:10', ?)", (code,)),
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


def follow(opskit: Opskit, source: Path, database: TestDatabase, *more: str) -> list[dict[str, object]]:
    result = opskit("migrate", source, database.url, "--follow", "--yes", "-o", "json", *more)
    assert result.code == 0, result.stdout + result.stderr
    return result.document["result"]["followed"]


def schema_of(file: Path) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(file))
    found = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
    connection.close()
    return found


@pytest.mark.parametrize("seed", range(6))
def test_whenever_it_is_killed_no_write_is_lost(
    opskit: Opskit, source: Path, database: TestDatabase, seed: int
) -> None:
    chance = random.Random(seed)
    with writers(source, pause=0.01):
        for _ in range(3):
            process = opskit.start("migrate", source, database.url, "--follow", "--yes", "--resume")
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.5, 4))
            process.kill()
            process.communicate()
        follow(opskit, source, database, "--resume")
    follow(opskit, source, database)
    assert_equal(opskit, source, database)
    journals = [file.read_text() for file in (opskit.state_dir / "runs").glob("*.jsonl")]
    assert all('"finished"' in one or '"abandoned"' in one for one in journals)


def test_a_session_that_is_ended_by_the_server_loses_nothing(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    follow(opskit, source, database)
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)"
    execute(source, f"INSERT INTO log {numbers} SELECT '2025-01-02', i FROM n")
    process = opskit.start("migrate", source, database.url, "--follow", "-o", "json")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'opskit follow'"
    while not query(database, end) and process.poll() is None:
        time.sleep(0.01)
    process.communicate()
    follow(opskit, source, database)
    assert_equal(opskit, source, database)


def test_giving_it_up_leaves_nothing_of_it(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    before = schema_of(source)
    follow(opskit, source, database)
    assert any(str(name).startswith("opskit_watch_") for _, name, _ in schema_of(source))
    given_up = opskit("migrate", source, database.url, "--unfollow", "-o", "json")
    assert (given_up.code, given_up.document["changed"]) == (0, True), given_up.stdout
    assert schema_of(source) == before
    assert [name for name in relations(database) if name.startswith("opskit")] == []
    again = opskit("migrate", source, database.url, "--unfollow", "-o", "json")
    assert (again.code, again.document["changed"]) == (0, False)


def test_a_migration_that_fails_leaves_no_watch(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    before = schema_of(source)
    query(database, "CREATE TABLE somebody ()")
    result = opskit("migrate", source, database.url, "--follow", "--yes", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "target_not_empty")
    assert schema_of(source) == before


def test_nothing_is_put_into_the_application_s_file_unasked(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    before = source.read_bytes()
    result = opskit("migrate", source, database.url, "--follow", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "not_confirmed")
    plan = opskit("migrate", source, database.url, "--follow", "--plan")
    assert plan.code == 3
    assert "opskit_changes" in plan.stdout
    assert source.read_bytes() == before


def test_a_role_that_may_not_follow_is_told_so_before_anything_is_done(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    query(database, f"CREATE ROLE {database.name}_owner LOGIN")
    query(database, f"ALTER DATABASE {database.name} OWNER TO {database.name}_owner")
    before = source.read_bytes()
    target = f"{database.conninfo} user={database.name}_owner"
    result = opskit("migrate", source, target, "--follow", "--yes", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "permission_denied")
    assert "GRANT SET ON PARAMETER session_replication_role" in result.error["hint"]
    assert source.read_bytes() == before
    query(database, f"GRANT SET ON PARAMETER session_replication_role TO {database.name}_owner")
    done = opskit("migrate", source, target, "--follow", "--yes", "-o", "json")
    assert done.code == 0, done.stdout
    execute(source, "UPDATE orders SET total = 1; DELETE FROM parts")
    assert opskit("migrate", source, target, "--follow").code == 0
    assert_equal(opskit, source, database)
    query(database, f"ALTER DATABASE {database.name} OWNER TO CURRENT_USER")
    query(database, f"REASSIGN OWNED BY {database.name}_owner TO CURRENT_USER")
    query(database, f"DROP OWNED BY {database.name}_owner")
    query(database, f"DROP ROLE {database.name}_owner")


def test_a_row_that_does_not_fit_any_more_is_set_aside_and_comes_back(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    execute(source, "DELETE FROM orders; INSERT INTO orders (id, code) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    follow(opskit, source, database)
    execute(
        source,
        "UPDATE orders SET code = 'a' || char(0) WHERE id = 1; UPDATE orders SET total = 'much' WHERE id = 2",
    )
    follow(opskit, source, database)
    assert query(database, "SELECT id FROM orders") == [(3,)]
    assert query(database, "SELECT key FROM orders_rejects ORDER BY 1") == [("id=1",), ("id=2",)]
    assert_equal(opskit, source, database)
    execute(source, "UPDATE orders SET code = 'new' WHERE id = 1; DELETE FROM orders WHERE id = 2")
    follow(opskit, source, database)
    assert query(database, "SELECT key FROM orders_rejects") == []
    assert_equal(opskit, source, database)


def test_an_index_that_came_meanwhile_is_watched_and_what_passed_before_is_found(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    execute(source, "DELETE FROM parts; INSERT INTO parts (id, name) VALUES (1, 'a'), (2, 'b')")
    follow(opskit, source, database)
    execute(
        source, "CREATE UNIQUE INDEX names ON parts (name); REPLACE INTO parts (id, name) VALUES (3, 'a')"
    )
    execute(source, "VACUUM")
    follow(opskit, source, database)
    assert query(database, "SELECT id FROM parts ORDER BY 1") == [(2,), (3,)]
    execute(source, "REPLACE INTO parts (id, name) VALUES (4, 'b')")
    follow(opskit, source, database)
    assert query(database, "SELECT id FROM parts ORDER BY 1") == [(3,), (4,)]


def test_values_that_are_too_large_for_a_line_arrive(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    follow(opskit, source, database)
    execute(source, "INSERT INTO orders (code, note) VALUES ('large', hex(zeroblob(3000000)))")
    execute(source, "INSERT INTO loose VALUES ('large', zeroblob(3000000))")
    follow(opskit, source, database)
    assert query(database, "SELECT octet_length(note) FROM orders WHERE code = 'large'") == [(6000000,)]
    assert_equal(opskit, source, database)


def test_keys_that_were_given_out_are_not_given_out_again(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    follow(opskit, source, database)
    execute(source, "INSERT INTO orders (id) VALUES (5000); DELETE FROM orders WHERE id = 5000")
    follow(opskit, source, database)
    assert query(database, "INSERT INTO orders DEFAULT VALUES RETURNING id") == [(5001,)]


def test_a_file_that_was_replaced_is_not_taken_for_the_one_that_is_followed(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    copy = source.with_name("copy.db")
    execute(source, f"VACUUM INTO '{copy}'")
    follow(opskit, source, database)
    for suffix in ("", "-wal", "-shm"):
        source.with_name(source.name + suffix).unlink(missing_ok=True)
    copy.rename(source)
    result = opskit("migrate", source, database.url, "--follow", "-o", "json")
    assert (result.code, result.error["code"]) == (6, "watch_lost")


def test_a_database_in_rollback_journal_mode_is_followed_as_well(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    execute(source, "PRAGMA journal_mode = DELETE")
    with writers(source, pause=0.02):
        follow(opskit, source, database)
    follow(opskit, source, database)
    assert_equal(opskit, source, database)


@pytest.mark.parametrize("change", ["DROP TABLE log", "ALTER TABLE log RENAME TO diary"])
def test_a_table_that_goes_is_refused_with_the_remedy(
    opskit: Opskit, source: Path, database: TestDatabase, change: str
) -> None:
    follow(opskit, source, database)
    execute(source, change)
    result = opskit("migrate", source, database.url, "--follow", "-o", "json")
    assert result.code == 6
    assert "schema_moved" in {one["code"] for one in result.document["errors"]}
    assert "table log is gone" in result.stdout


def test_tables_and_columns_that_come_meanwhile_are_made_as_a_migration_would(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    follow(opskit, source, database)
    with writers(source, pause=0.01):
        execute(
            source,
            "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT UNIQUE, price DECIMAL(8,2), at TIMESTAMP,"
            " part INTEGER REFERENCES parts (id) ON DELETE SET NULL);"
            "INSERT INTO tags (name, price, at) VALUES ('one', 1.5, '2025-01-02 03:04:05');"
            "CREATE TABLE pairs (one TEXT NOT NULL, other TEXT NOT NULL, PRIMARY KEY (one, other));"
            "ALTER TABLE links ADD COLUMN state TEXT NOT NULL DEFAULT 'new' CHECK (state <> '');"
            "ALTER TABLE log ADD COLUMN level INTEGER;"
            "UPDATE log SET level = 3 WHERE rowid % 2",
        )
        (caught_up,) = follow(opskit, source, database)
        told = "\n".join(caught_up["told"])
        assert "table tags is new: made in PostgreSQL" in told
        assert "column state of table links is new: made in PostgreSQL" in told
        execute(source, "INSERT INTO tags (name) VALUES ('two'); DELETE FROM tags WHERE name = 'one'")
        execute(source, "INSERT INTO pairs VALUES ('a', 'b'); UPDATE links SET state = 'old'")
    follow(opskit, source, database)
    assert query(database, "SELECT name FROM tags") == [("two",)]
    types = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'tags'::regclass"
    assert query(database, f"{types} AND attname IN ('price', 'at') ORDER BY 1") == [
        ("numeric(8,2)",),
        ("timestamp with time zone",),
    ]
    assert_equal(opskit, source, database)
