"""Rows with a text that PostgreSQL cannot store are set aside, whole and by name; all others arrive."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query, relations

NOTES = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT, picture BLOB, size REAL);
INSERT INTO notes VALUES (1, 'fine', 'a', x'00ff', 1.5), (2, 'NUL', CAST(x'610062' AS TEXT), x'00ff', -2.5),
    (3, 'bytes', CAST(x'ff61' AS TEXT), NULL, 9e999),
    (4, 'half of a pair', CAST(x'edb080' AS TEXT), x'', NULL),
    (5, CAST(x'c3' AS TEXT), CAST(x'00' AS TEXT), NULL, NULL), (6, '', 'ü', NULL, NULL);
CREATE TABLE notes_rejects (a TEXT); INSERT INTO notes_rejects VALUES ('mine');
CREATE TABLE comments (id INTEGER PRIMARY KEY, note INTEGER REFERENCES notes);
INSERT INTO comments VALUES (1, 1), (2, 2);
CREATE TABLE loose (a TEXT, b TEXT);
INSERT INTO loose VALUES ('x', 'y'), ('x', CAST(x'ff' AS TEXT)), ('x', CAST(x'ff' AS TEXT));
CREATE TABLE raw (id INTEGER PRIMARY KEY, a); INSERT INTO raw VALUES (1, x'00'), (2, CAST(x'ff00' AS TEXT));
CREATE TABLE "100% %s" (id TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO "100% %s" VALUES ('a'), (CAST(x'ff' AS TEXT));
CREATE VIEW all_notes AS SELECT id, body FROM notes;
CREATE VIEW good_notes AS SELECT id, title FROM notes WHERE size > 0 AND size < 2;
"""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The notes after their migration."""

    database: TestDatabase
    result: Result
    verified: Result

    def told(self, *words: str) -> bool:
        """Does one sentence hold all these words?"""
        return any(all(word in one for word in words) for one in self.result.document["warnings"])

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        return query(self.database, statement)


@pytest.fixture(scope="module")
def migrated(postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    room: Path = tmp_path_factory.mktemp("odd")
    source = make_sqlite(room / "notes.db", NOTES)
    postgresql.create_database("odd_rejects")
    database = TestDatabase("odd_rejects", postgresql.conninfo("odd_rejects"), "")
    opskit = Opskit(room / "state")
    result = opskit("migrate", source, database.conninfo, "-o", "json")
    assert result.code == 0, result
    yield Migrated(database, result, opskit("verify", source, database.conninfo, "-o", "json"))
    opskit.kill()


def test_the_other_rows_arrive(migrated: Migrated) -> None:
    assert migrated.query("SELECT id, title, body FROM notes ORDER BY id") == [(1, "fine", "a"), (6, "", "ü")]
    assert migrated.query("SELECT a, b FROM loose") == [("x", "y")]
    assert migrated.query('SELECT id FROM "100% %s"') == [("a",)]
    assert migrated.result.document["result"]["rejected"] == 7


def test_each_is_told_with_its_table_key_column_and_reason(migrated: Migrated) -> None:
    assert migrated.told("table notes", "id=2", "column body", "NUL")
    assert migrated.told("table notes", "id=3", "column body", "UTF-8")
    assert migrated.told("table notes", "id=5", "column title", "column body")
    assert migrated.told("table loose", "2 rows")
    assert migrated.told("table 100% %s")


def test_they_stand_whole_in_a_table_beside(migrated: Migrated) -> None:
    rows = migrated.query('SELECT key, reason, "row" FROM notes_rejects2 ORDER BY key')
    assert [key for key, _, _ in rows] == ["id=2", "id=3", "id=4", "id=5"]
    kept = [row for _, _, row in rows]
    assert [row["body"] for row in kept] == [{"hex": text} for text in ("610062", "ff61", "edb080", "00")]
    assert [row["title"] for row in kept] == ["NUL", "bytes", "half of a pair", {"hex": "c3"}]
    assert [row["size"] for row in kept] == [-2.5, "Infinity", None, None]
    assert [row["picture"] for row in kept] == [{"hex": "00ff"}, None, {"hex": ""}, None]
    assert migrated.query("SELECT a FROM notes_rejects") == [("mine",)]


def test_a_column_that_became_bytes_sets_nothing_aside(migrated: Migrated) -> None:
    assert migrated.query("SELECT a FROM raw ORDER BY id") == [(b"\0",), (b"\xff\0",)]


def test_a_key_to_a_row_that_was_set_aside_is_not_valid_and_told(migrated: Migrated) -> None:
    assert migrated.query("SELECT note FROM comments ORDER BY id") == [(1,), (2,)]
    assert migrated.told("foreign key", "comments", "NOT VALID")


def test_generators_do_not_give_out_their_keys_again(migrated: Migrated) -> None:
    assert migrated.query("SELECT last_value FROM notes_id_seq") == [(6,)]


def test_views_over_the_table_show_what_arrived(migrated: Migrated) -> None:
    assert migrated.query("SELECT id FROM all_notes ORDER BY id") == [(1,), (6,)]
    assert migrated.query("SELECT id FROM good_notes") == [(1,)]
    assert migrated.told("view all_notes", "set aside")


def test_verify_accounts_for_them(migrated: Migrated) -> None:
    assert migrated.verified.code == 0, migrated.verified
    assert any("notes_rejects2" in note for note in migrated.verified.document["warnings"])


def test_they_can_be_refused_instead(opskit: Opskit, tmp_path: Path, database: TestDatabase) -> None:
    source = make_sqlite(tmp_path / "notes.db", NOTES)
    result = opskit("migrate", source, database.url, "--misfits", "refuse", "-o", "json")
    assert result.code == 6
    messages = [error["message"] for error in result.document["errors"]]
    assert any("notes" in message and "body" in message and "id=2" in message for message in messages)
    assert relations(database) == []
