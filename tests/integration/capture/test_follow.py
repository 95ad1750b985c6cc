"""The API by which a cutover drains and compares."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from opskit.capture.follow import Follower, copy_level, drain, follower
from opskit.capture.following import forget, read_followed
from opskit.capture.watch import end_watch
from opskit.capture.whole import compare
from opskit.errors import Refused
from opskit.transfer.target import Connection, connect
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

SCRIPT = """
PRAGMA journal_mode = WAL;
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL);
CREATE TABLE log (line TEXT);
INSERT INTO items (name, price) VALUES ('a', 1.5), ('b', 1e300), ('c' || char(0), 2);
INSERT INTO log VALUES ('one'), ('one'), ('two');
"""


@pytest.fixture
def source(opskit: Opskit, tmp_path: Path, database: TestDatabase) -> Path:
    file = make_sqlite(tmp_path / "app.db", SCRIPT)
    assert opskit("migrate", file, database.url, "--follow", "--yes").code == 0
    return file


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    connection = connect(database.conninfo, "tests")
    yield connection
    connection.close()


def execute(file: Path, script: str) -> None:
    connection = apsw.Connection(str(file))
    connection.execute(script).fetchall()
    connection.close()


def alive(_: int) -> None:
    pass


def test_a_drain_brings_over_one_moment_and_knows_how_many_changes_that_were(
    source: Path, database: TestDatabase
) -> None:
    with follower(source, database.conninfo) as one:
        assert drain(one, alive).changes == 0
        execute(
            source,
            "UPDATE items SET price = 3 WHERE id = 1; INSERT INTO log VALUES ('one');"
            "DELETE FROM items WHERE id = 2",
        )
        drained = drain(one, alive)
        assert drained.changes == 3
        assert drain(one, alive).number == drained.number
    assert query(database, "SELECT id, price FROM items") == [(1, 3.0)]
    assert query(database, "SELECT line, count(*) FROM log GROUP BY 1 ORDER BY 1") == [("one", 3), ("two", 1)]


def test_a_comparison_names_the_tables_that_differ(
    source: Path, database: TestDatabase, tmp_path: Path
) -> None:
    def differing(one: Follower) -> tuple[str, ...]:
        drain(one, alive)
        copy = tmp_path / "copy.db"
        copy_level(one, copy, alive)
        return compare(one, copy, alive)

    execute(source, "UPDATE items SET name = 'new' WHERE id = 1")
    with follower(source, database.conninfo) as one:
        assert differing(one) == ()
        query(database, "UPDATE items SET price = 7 WHERE id = 1; INSERT INTO log VALUES ('more')")
        assert differing(one) == ("items", "log")


def test_a_text_key_that_may_be_null_tells_single_rows_until_it_is(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = (
        "CREATE TABLE notes (id TEXT PRIMARY KEY, n INTEGER); INSERT INTO notes VALUES ('a', 1), ('b', 2);"
    )
    source = make_sqlite(tmp_path / "app.db", script)
    assert opskit("migrate", source, database.url, "--follow", "--yes").code == 0
    with follower(source, database.conninfo) as one:
        query(
            database, "UPDATE notes SET n = 99 WHERE id = 'b'"
        )  # which a comparison of the whole would undo
        execute(source, "UPDATE notes SET n = 3, id = 'A' WHERE id = 'a'; REPLACE INTO notes VALUES ('c', 4)")
        drain(one, alive)
        assert query(database, "SELECT * FROM notes ORDER BY n") == [("A", 3), ("c", 4), ("b", 99)]
        execute(source, "INSERT INTO notes VALUES (NULL, 5); DELETE FROM notes WHERE id IS NULL")
        drain(one, alive)
        assert query(database, "SELECT * FROM notes ORDER BY n") == [("b", 2), ("A", 3), ("c", 4)]


def test_keys_that_are_null_in_many_rows_are_told_apart_by_the_whole_row(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = """
    CREATE TABLE notes (id TEXT PRIMARY KEY, n INTEGER);
    INSERT INTO notes VALUES (NULL, 1), (NULL, 1), (NULL, 2), ('a', 3);
    """
    source = make_sqlite(tmp_path / "app.db", script)
    assert opskit("migrate", source, database.url, "--follow", "--yes").code == 0
    with follower(source, database.conninfo) as one:
        execute(source, "UPDATE notes SET n = 7 WHERE rowid = 1; UPDATE notes SET n = 8 WHERE id = 'a'")
        drain(one, alive)
        assert query(database, "SELECT n FROM notes ORDER BY n") == [(1,), (2,), (7,), (8,)]
        execute(source, "UPDATE notes SET id = 'b' WHERE n = 2; UPDATE notes SET id = NULL WHERE id = 'a'")
        drain(one, alive)
        assert query(database, "SELECT * FROM notes ORDER BY n") == [
            (None, 1),
            ("b", 2),
            (None, 7),
            (None, 8),
        ]


def test_a_fence_that_comes_while_a_follower_is_open_does_not_disturb_it(
    source: Path, database: TestDatabase
) -> None:
    with follower(source, database.conninfo) as one:
        drain(one, alive)
        execute(source, "INSERT INTO log VALUES ('last')")
        execute(
            source,
            "CREATE TRIGGER opskit_fence_0 BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'elsewhere'); END",
        )
        assert drain(one, alive).changes == 1
    assert query(database, "SELECT count(*) FROM log WHERE line = 'last'") == [(1,)]


def test_what_is_not_followed_any_more_is_refused(
    source: Path, database: TestDatabase, owner: Connection
) -> None:
    assert read_followed(owner, "public") is not None
    end_watch(source)
    with pytest.raises(Refused, match="its watch ended"), follower(source, database.conninfo) as one:
        drain(one, alive)
    forget(owner, "public")
    assert read_followed(owner, "public") is None
    with pytest.raises(Refused, match="does not follow"), follower(source, database.conninfo):
        pass
