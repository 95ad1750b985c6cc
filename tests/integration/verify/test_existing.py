"""A schema that the application has made itself: its content is compared, its rules are its own business."""

from pathlib import Path

import pytest

from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query

SOURCE = """
CREATE TABLE Users (id INTEGER PRIMARY KEY, Name TEXT NOT NULL, role TEXT, at TEXT CHECK (at > ''));
INSERT INTO Users VALUES (1, 'ann', 'admin', '2024-01-01 10:00:00'), (2, 'bob', NULL, '2024-01-02 10:00:00');
CREATE INDEX by_name ON Users (Name);
CREATE TABLE alembic_version (version TEXT);
INSERT INTO alembic_version VALUES ('sqlite');
CREATE TABLE idle (a TEXT);
"""

TARGET = """
CREATE TYPE role AS ENUM ('admin', 'guest');
CREATE TABLE users (id serial PRIMARY KEY, name varchar(40), role role, at timestamp, added int DEFAULT 0);
INSERT INTO users (name, role, at) VALUES
    ('ann', 'admin', '2024-01-01 10:00:00'), ('bob', NULL, '2024-01-02 10:00:00');
CREATE TABLE alembic_version (version varchar(32));
INSERT INTO alembic_version VALUES ('postgresql');
"""


@pytest.fixture
def file(tmp_path: Path, database: TestDatabase) -> Path:
    query(database, TARGET)
    return make_sqlite(tmp_path / "app.db", SOURCE)


def compare(opskit: Opskit, file: Path, database: TestDatabase) -> Result:
    return opskit("verify", file, database.url, "--into-existing", "-o", "json")


def said(result: Result) -> list[str]:
    (one,) = result.document["result"]["databases"]
    rows = [f"table {table['table']}: {line}" for table in one["tables"] for line in table["differences"]]
    return [*(f"{fault['object']} {fault['message']}" for fault in one["faults"]), *rows]


def test_the_same_content_in_tables_of_its_own_making(
    opskit: Opskit, file: Path, database: TestDatabase
) -> None:
    result = compare(opskit, file, database)
    assert (result.code, said(result)) == (0, [])
    assert sorted(result.document["warnings"]) == [
        "app: column added of table users is only in the target",
        "app: table alembic_version is a migration tool's own and was not compared",
        "app: table idle is missing in the target",
    ]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE users SET role = 'guest' WHERE id = 1", "table Users: changed: id=1 (role)"),
        ("DELETE FROM users WHERE id = 2", "table Users: missing in target: id=2"),
        (
            "ALTER TABLE users DROP COLUMN role",
            "column role of table Users is missing in the target (1 values)",
        ),
        ("ALTER TABLE users RENAME TO people", "table Users is missing in the target (2 rows)"),
        (
            "SELECT setval('users_id_seq', 1)",
            "column id of table users would hand out 2 next, and keys up to 2 are there",
        ),
    ],
)
def test_what_differs_is_named(
    opskit: Opskit, file: Path, database: TestDatabase, statement: str, found: str
) -> None:
    query(database, statement)
    result = compare(opskit, file, database)
    assert (result.code, said(result)) == (3, [found])


def test_keys_that_the_application_gives_out_itself_are_a_note(
    opskit: Opskit, file: Path, database: TestDatabase
) -> None:
    query(database, "ALTER TABLE users ALTER id DROP DEFAULT; DROP SEQUENCE users_id_seq")
    result = compare(opskit, file, database)
    assert result.code == 0
    assert "app: column id of table users generates no keys" in result.document["warnings"]
