"""The fence of a SQLite file: every write is refused with words, durably, and it goes without trace."""

from pathlib import Path

import apsw
import pytest

from opskit.errors import Refused
from opskit.schema.sqlite_file import rows
from opskit.switch.sqlite_fence import fence, read_fence, unfence, unfenceable
from tests.support import make_sqlite

SCRIPT = """
PRAGMA journal_mode = WAL;
CREATE TABLE "odd ""name" (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE pairs (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE sorted (name TEXT COLLATE own PRIMARY KEY);
CREATE VIEW seen AS SELECT * FROM pairs;
CREATE TRIGGER through INSTEAD OF INSERT ON seen BEGIN INSERT INTO pairs VALUES (NEW.a, NEW.b); END;
CREATE VIRTUAL TABLE words USING fts5(text);
"""
SAYS = "it isn't here: PostgreSQL database x"
WRITES = (
    'INSERT INTO "odd ""name" (name) VALUES (\'b\')',
    'INSERT OR IGNORE INTO "odd ""name" (name) VALUES (\'a\')',
    'REPLACE INTO "odd ""name" VALUES (1, \'a\')',
    'UPDATE OR IGNORE "odd ""name" SET name = name',
    'DELETE FROM "odd ""name"',
    "INSERT INTO pairs VALUES (1, 2) ON CONFLICT DO UPDATE SET b = 3",
    "INSERT OR FAIL INTO pairs VALUES (3, 4)",
    "INSERT INTO seen VALUES (5, 6)",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    def collation(connection: apsw.Connection) -> None:
        connection.create_collation("own", lambda one, other: (one > other) - (one < other))

    apsw.connection_hooks.append(collation)
    try:
        return make_sqlite(
            tmp_path / "app.db",
            SCRIPT,
            ('INSERT INTO "odd ""name" VALUES (?, ?)', [(1, "a")]),
            ("INSERT INTO pairs VALUES (?, ?)", [(1, 2)]),
        )
    finally:
        apsw.connection_hooks.remove(collation)


def test_every_write_is_refused_also_in_a_session_that_was_open_before(file: Path) -> None:
    session = apsw.Connection(str(file))
    try:
        rows(session, "SELECT * FROM pairs")
        fence(file, SAYS)
        for statement in WRITES:
            with pytest.raises(apsw.ConstraintError, match=SAYS):
                rows(session, statement)
        assert rows(session, "SELECT * FROM pairs") == [(1, 2)]
    finally:
        session.close()


def test_the_fence_can_be_read_back_and_goes_without_trace(file: Path) -> None:
    def content() -> list[tuple[object, ...]]:
        connection = apsw.Connection(str(file))
        try:
            return list(rows(connection, "SELECT type, name, sql FROM sqlite_schema ORDER BY name"))
        finally:
            connection.close()

    before = content()
    assert read_fence(file) is None
    fence(file, SAYS)
    found = read_fence(file)
    assert found is not None
    assert (found.says, found.gaps) == (SAYS, ())
    unfence(file)
    assert read_fence(file) is None
    assert content() == before


def test_a_table_that_came_later_is_a_gap_which_fencing_again_closes(file: Path) -> None:
    fence(file, SAYS)
    connection = apsw.Connection(str(file))
    try:
        rows(connection, "CREATE TABLE late (a)")
        found = read_fence(file)
        assert found is not None
        assert found.gaps == ("late",)
        fence(file, SAYS)
        with pytest.raises(apsw.ConstraintError):
            rows(connection, "INSERT INTO late VALUES (1)")
    finally:
        connection.close()


def test_tables_that_no_fence_covers_are_named(tmp_path: Path) -> None:
    file = make_sqlite(
        tmp_path / "search.db",
        """
        CREATE TABLE mails (id INTEGER PRIMARY KEY, text);
        CREATE VIRTUAL TABLE found USING fts5(text, content='mails', content_rowid='id');
        CREATE VIRTUAL TABLE notes USING fts5(text);
        CREATE VIRTUAL TABLE places USING rtree(id, low, high);
        """,
    )
    assert unfenceable(file) == ("notes", "places")


def test_looking_makes_nothing_beside_the_file(file: Path) -> None:
    before = sorted(file.parent.iterdir())
    read_fence(file)
    assert sorted(file.parent.iterdir()) == before


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        fence(tmp_path / "none.db", SAYS)
    assert list(tmp_path.iterdir()) == []
