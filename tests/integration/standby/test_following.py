"""The file shows what PostgreSQL held at one moment, in the application's own spellings."""

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
CREATE TRIGGER people_audit AFTER INSERT ON people BEGIN INSERT INTO log VALUES (new.name, datetime('now')); END;
"""
PEOPLE = (
    "INSERT INTO people (name, active, price, tags, photo, created_at, seen_at) VALUES (?,?,?,?,?,?,?)",
    [
        (
            "Ada",
            1,
            12.5,
            '{"b": 1,  "a": [1, 2]}',
            b"\x00\xff",
            "2025-08-14 12:33:01",
            "2025-08-14T12:33:01.250Z",
        ),
        ("Bob", 0, 7, None, None, "2025-08-15 00:00:00", "2025-08-15T00:00:00.000Z"),
    ],
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
        " ('Cy', false, 3.00, '{\"z\": true, \"a\": 1.50}', '\\xdead', '2026-01-02 03:04:05+00', '2026-01-02 03:04:05.5+00')"
    )
    world.run("UPDATE people SET price = 99.95 WHERE name = 'Bob'")
    world.run("UPDATE words SET word = 'three' WHERE word = 'one'")
    world.run("DELETE FROM words WHERE weight < 0")
    world.run("INSERT INTO log VALUES ('a', '2026-01-02 03:04:05.123456+00')")
    follower.drain()
    assert world.rows("SELECT * FROM people ORDER BY id") == [
        (1, *PEOPLE[1][0]),
        (2, "Bob", 0, 99.95, None, None, "2025-08-15 00:00:00", "2025-08-15T00:00:00.000Z"),
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
    assert world.verified()
