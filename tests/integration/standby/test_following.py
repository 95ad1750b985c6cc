"""The file shows what PostgreSQL held at one moment, in the application's own spellings."""

import apsw
import pytest

from tests.integration.standby.world import World

SCHEMA = """
CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    active BOOLEAN DEFAULT 1,
    price DECIMAL(10,2),
    tags JSON,
    photo BLOB,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    seen_at DATETIME
);
CREATE TABLE words (word TEXT PRIMARY KEY, weight REAL) WITHOUT ROWID;
CREATE TABLE log (line TEXT, at TIMESTAMP);
CREATE INDEX log_at ON log (at);
CREATE TRIGGER audit AFTER INSERT ON people BEGIN
    INSERT INTO log VALUES (new.name, datetime('now'));
END;
"""
ADA = ("Ada", 1, 12.5, '{"b": 1,  "a": [1, 2]}', b"\0\xff", "2025-08-14 12:33:01", "2025-08-14T12:33:01.250Z")
BOB = ("Bob", 0, 7, None, None, "2025-08-15 00:00:00", "2025-08-15T00:00:00.000Z")
PEOPLE = (
    "INSERT INTO people (name, active, price, tags, photo, created_at, seen_at) VALUES (?,?,?,?,?,?,?)",
    [ADA, BOB],
)
WORDS = ("INSERT INTO words VALUES (?,?)", [("one", 1.5), ("two\twords\\", -0.25)])


@pytest.fixture(params=["log", "copy"])
def small(request: pytest.FixtureRequest) -> int:
    """Bytes up to which a database is compared whole."""
    return 0 if request.param == "log" else 2**40


def test_what_the_application_writes_comes_back_as_it_would_have_written_it(world: World, small: int) -> None:
    world.moved(SCHEMA, PEOPLE, WORDS)
    follower = world.follower(small=small)
    follower.drain()
    world.run(
        "INSERT INTO people (name, active, price, tags, photo, created_at, seen_at) VALUES"
        " ('Cy', false, 3.00, '{\"z\": true, \"a\": 1.50}', '\\xdead', '2026-01-02 03:04:05+00',"
        " '2026-01-02 03:04:05.5+00')"
    )
    world.run("UPDATE people SET price = 99.95 WHERE name = 'Bob'")
    world.run("UPDATE words SET word = 'three' WHERE word = 'one'")
    world.run("DELETE FROM words WHERE weight < 0")
    world.run("INSERT INTO log VALUES ('a', '2026-01-02 03:04:05.123456+00')")
    follower.drain()
    assert world.rows("SELECT * FROM people ORDER BY id") == [
        (1, *ADA),
        (2, "Bob", 0, 99.95, None, None, *BOB[5:]),
        (
            3,
            "Cy",
            0,
            3,
            '{"a":1.50,"z":true}',
            b"\xde\xad",
            "2026-01-02 03:04:05",
            "2026-01-02T03:04:05.500Z",
        ),
    ]
    assert world.rows("SELECT * FROM words") == [("three", 1.5)]
    assert world.rows("SELECT line FROM log ORDER BY line") == [("Ada",), ("Bob",), ("Cy",), ("a",)]
    assert world.rows("SELECT at FROM log WHERE line = 'a'") == [("2026-01-02 03:04:05.123456",)]
    assert world.verified()


def test_rows_that_did_not_change_keep_what_the_application_once_wrote(world: World, small: int) -> None:
    odd = "2025-08-14 14:33:01+02:00"
    world.moved(SCHEMA, PEOPLE, ("INSERT INTO log VALUES (?,?)", [("odd", odd), ("odd", odd), ("x", None)]))
    follower = world.follower(small=small)
    follower.drain()
    world.run("INSERT INTO log VALUES ('odd', '2025-08-14 12:33:01+00')")
    world.run("DELETE FROM log WHERE line = 'x'")
    follower.drain()
    told = world.rows("SELECT line, at FROM log WHERE line <> 'Ada' AND line <> 'Bob' ORDER BY at")
    assert told == [("odd", "2025-08-14 12:33:01+00:00"), ("odd", odd), ("odd", odd)]


def test_values_may_change_places_in_a_unique_column(world: World, small: int) -> None:
    world.moved(SCHEMA, PEOPLE)
    follower = world.follower(small=small)
    follower.drain()
    with world.application.transaction():
        world.run("UPDATE people SET name = 'x' WHERE id = 1")
        world.run("UPDATE people SET name = 'Ada' WHERE id = 2")
        world.run("UPDATE people SET name = 'Bob' WHERE id = 1")
    follower.drain()
    assert world.rows("SELECT id, name FROM people ORDER BY id") == [(1, "Bob"), (2, "Ada")]


def test_keys_change_and_tables_are_emptied(world: World, small: int) -> None:
    world.moved(SCHEMA, PEOPLE, WORDS)
    follower = world.follower(small=small)
    follower.drain()
    world.run("UPDATE people SET id = id + 100")
    world.run("TRUNCATE words")
    world.run("INSERT INTO words VALUES ('after', 1)")
    follower.drain()
    assert world.rows("SELECT id, name FROM people ORDER BY id") == [(101, "Ada"), (102, "Bob")]
    assert world.rows("SELECT * FROM words") == [("after", 1.0)]


def test_large_values_that_did_not_change_are_not_lost(world: World) -> None:
    large = "".join(chr(33 + number * 7919 % 90) for number in range(100_000))
    world.moved("CREATE TABLE t (id INTEGER PRIMARY KEY, large TEXT, n INTEGER)")
    world.run("INSERT INTO t VALUES (1, %s, 0)", (large,))
    follower = world.follower()
    follower.drain()
    world.run("UPDATE t SET n = 1")
    world.run("UPDATE t SET id = 2")
    follower.drain()
    assert world.rows("SELECT * FROM t") == [(2, large, 1)]


def test_keys_that_were_given_out_are_not_given_out_again(world: World, small: int) -> None:
    world.moved(SCHEMA, PEOPLE)
    follower = world.follower(small=small)
    follower.drain()
    world.run("INSERT INTO people (name) SELECT 'n' || i FROM generate_series(1, 5) i")
    world.run("DELETE FROM people WHERE id > 2")
    follower.drain()
    assert world.rows("SELECT seq FROM sqlite_sequence WHERE name = 'people'") == [(7,)]


def test_triggers_and_checks_of_the_application_do_not_act_on_what_comes_back(
    world: World, small: int
) -> None:
    world.moved(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES t (id), n INTEGER);"
        "CREATE TRIGGER double AFTER INSERT ON t WHEN new.n < 50 BEGIN"
        " UPDATE t SET n = n * 2 WHERE id = new.id; END;",
        ("INSERT INTO t VALUES (?,?,?)", [(1, 2, 60), (2, 1, 60)]),
    )
    follower = world.follower(small=small)
    follower.drain()
    world.run("INSERT INTO t VALUES (3, 1, 20)")
    world.run("UPDATE t SET parent = 3 WHERE id = 1")
    follower.drain()
    assert world.rows("SELECT * FROM t ORDER BY id") == [(1, 3, 60), (2, 1, 60), (3, 1, 40)]


def test_full_text_tables_find_what_has_come_back(world: World, small: int) -> None:
    world.moved(
        "CREATE TABLE mail (id INTEGER PRIMARY KEY, subject TEXT, body TEXT);"
        "CREATE VIRTUAL TABLE found USING fts5 (subject, body, content='mail', content_rowid='id');"
        "CREATE VIRTUAL TABLE own USING fts5 (words);"
        "CREATE TRIGGER mail_found AFTER INSERT ON mail BEGIN INSERT INTO found (rowid, subject, body)"
        " VALUES (new.id, new.subject, new.body); END;",
        ("INSERT INTO mail VALUES (?,?,?)", [(1, "hello", "old text"), (2, "second", "stays")]),
        ("INSERT INTO own VALUES (?)", [("first",), ("second",)]),
    )
    follower = world.follower(small=small)
    follower.drain()
    world.run("UPDATE mail SET body = 'new words' WHERE id = 1")
    world.run("INSERT INTO mail VALUES (3, 'third', 'new as well')")
    world.run("UPDATE own SET words = 'changed' WHERE rowid = 1")
    follower.drain()
    assert world.rows("SELECT rowid FROM found WHERE found MATCH 'new' ORDER BY rowid") == [(1,), (3,)]
    assert world.rows("SELECT rowid FROM found WHERE found MATCH 'old'") == []
    assert world.rows("SELECT rowid FROM own WHERE own MATCH 'changed'") == [(1,)]
    assert world.rows("SELECT rowid FROM own WHERE own MATCH 'first'") == []
    assert world.rows("SELECT count(*) FROM found WHERE found MATCH 'stays'") == [(1,)]


def test_rows_that_postgresql_could_not_hold_are_still_there(world: World, small: int) -> None:
    world.moved(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT)",
        ("INSERT INTO t VALUES (?,?)", [(1, "fine"), (2, "with \0 inside")]),
    )
    follower = world.follower(small=small)
    follower.drain()
    world.run("UPDATE t SET words = 'changed'")
    follower.drain()
    assert world.rows("SELECT * FROM t ORDER BY id") == [(1, "changed"), (2, "with \0 inside")]


def test_a_table_is_compared_daily_while_it_is_followed_and_not_in_the_pause_of_a_switch(
    world: World,
) -> None:
    world.moved(SCHEMA, PEOPLE)
    world.follow()
    file = apsw.Connection(str(world.file))
    file.execute('UPDATE opskit_standby SET place = replace(place, \'"verified": "20\', \'"verified": "19\')')
    file.close()

    def overdue() -> int:
        ((place,),) = world.rows("SELECT place FROM opskit_standby")
        return place.count('"verified": "19')

    assert world.follow().compared == ("log",)  # as a switch does: what cannot be followed, and no more
    assert overdue() == 2
    world.follower().look()
    assert overdue() == 1
