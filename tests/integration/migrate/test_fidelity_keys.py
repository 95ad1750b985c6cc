"""Keys and indexes hold after a migration what they held in SQLite, or the difference is told by name."""

from collections.abc import Iterator

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.integration.migrate.moved import Moved, about, migrated, moved_database
from tests.support import Opskit, query

PEOPLE = """
CREATE TABLE people (
    name TEXT COLLATE NOCASE PRIMARY KEY, mail TEXT UNIQUE COLLATE NOCASE, code TEXT COLLATE RTRIM UNIQUE,
    city TEXT COLLATE NOCASE, number INTEGER COLLATE NOCASE
);
CREATE TABLE members (
    team INTEGER, person TEXT COLLATE NOCASE, nick TEXT, PRIMARY KEY (person, team)
) WITHOUT ROWID;
CREATE TABLE exact (name TEXT COLLATE NOCASE, PRIMARY KEY (name COLLATE BINARY));
CREATE TABLE posts (
    id INTEGER PRIMARY KEY, author TEXT REFERENCES people,
    mail TEXT REFERENCES people (mail) ON DELETE CASCADE, team INTEGER, person TEXT,
    FOREIGN KEY (team, person) REFERENCES members (team, person)
);
CREATE INDEX people_city ON people (city, number);
CREATE INDEX people_code ON people (lower(code) COLLATE NOCASE DESC);
CREATE UNIQUE INDEX members_nick ON members (nick COLLATE NOCASE) WHERE team > 0;
CREATE VIEW of_red AS SELECT name FROM people WHERE city = 'rED' AND code = 'c' AND name >= 'ALICE';
CREATE VIEW in_lists AS SELECT name FROM people WHERE name IN (SELECT upper(author) FROM posts);
INSERT INTO people VALUES
    ('Alice', 'A@x', 'c  ', 'Red', 1), ('bob', NULL, 'd', 'RED', 2), ('Émile', 'e@x', 'e', 'red', 3);
INSERT INTO members VALUES (1, 'Alice', 'Al'), (2, 'alice', 'Bo'), (1, 'Émile', 'X');
INSERT INTO exact VALUES ('a'), ('A');
INSERT INTO posts VALUES (1, 'Alice', 'A@x', 1, 'Alice'), (2, 'bob', NULL, NULL, NULL);
"""


@pytest.fixture(scope="module")
def people(postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """The people, migrated."""
    with moved_database(postgresql, tmp_path_factory, PEOPLE) as moved:
        yield moved


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO people (name) VALUES ('ALICE')",
        "INSERT INTO people (name) VALUES ('Alice')",
        "INSERT INTO people (name, mail) VALUES ('x', 'a@X')",
        "INSERT INTO people (name, code) VALUES ('x', 'c')",
        "INSERT INTO people (name, code) VALUES ('x', 'c    ')",
        "INSERT INTO members (team, person) VALUES (1, 'ALICE')",
        "INSERT INTO members (team, person, nick) VALUES (7, 'x', 'aL')",
        "INSERT INTO exact VALUES ('a')",
    ],
)
def test_what_was_a_duplicate_is_one(people: Moved, statement: str) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        people.attempt(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO people (name) VALUES ('émile')",
        "INSERT INTO people (name, mail) VALUES ('x', 'A@x ')",
        "INSERT INTO people (name, code) VALUES ('x', 'C')",
        "INSERT INTO members (team, person) VALUES (3, 'ALICE')",
        "INSERT INTO members (team, person, nick) VALUES (-1, 'x', 'aL')",
        "INSERT INTO posts (id, author, team, person) VALUES (9, 'Émile', 1, 'Émile')",
        "DELETE FROM posts; DELETE FROM people WHERE mail = 'A@x'",
    ],
)
def test_what_was_none_is_none(people: Moved, statement: str) -> None:
    people.attempt(statement)


def test_views_compare_by_the_collations_of_their_columns(people: Moved) -> None:
    assert query(people.database, "SELECT name FROM of_red") == [("Alice",)]
    assert query(people.database, "SELECT name FROM in_lists ORDER BY 1") == [("Alice",), ("bob",)]


def test_lookups_that_must_be_written_otherwise_are_told(people: Moved) -> None:
    for column, term in (("name", "lower"), ("mail", "lower"), ("city", "lower"), ("code", "rtrim")):
        sentence = about(people.told, f"column {column} of table people", "lookups")
        assert f'{term}("{column}" COLLATE "C")' in sentence
    assert "ignores case" in about(people.told, "column name of table people", "lookups")
    assert not [one for one in people.told if "column number" in one]


def test_a_foreign_key_to_a_key_without_case_stands_and_its_difference_is_told(people: Moved) -> None:
    names = query(
        people.database, "SELECT conname FROM pg_constraint WHERE contype = 'f' AND convalidated ORDER BY 1"
    )
    assert names == [("posts_author_fkey",), ("posts_mail_fkey",), ("posts_team_person_fkey",)]
    assert "case" in about(people.told, "foreign key posts_author_fkey of table posts to table people")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        people.attempt("INSERT INTO posts (id, author) VALUES (9, 'ALICE')")


def test_children_in_another_spelling_stay_and_are_told(opskit: Opskit, database: TestDatabase) -> None:
    told = migrated(
        opskit,
        database,
        "CREATE TABLE p (k TEXT COLLATE NOCASE PRIMARY KEY); CREATE TABLE c (k TEXT REFERENCES p);"
        "INSERT INTO p VALUES ('Red'); INSERT INTO c VALUES ('red')",
    )
    assert about(told, "foreign key c_k_fkey of table c", "NOT VALID")
    assert query(database, "SELECT k FROM c") == [("red",)]


def test_what_a_constraint_did_on_conflict_is_told(opskit: Opskit, database: TestDatabase) -> None:
    told = migrated(
        opskit,
        database,
        "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT NOT NULL ON CONFLICT IGNORE,"
        " b TEXT CONSTRAINT only_one UNIQUE ON CONFLICT FAIL, c TEXT UNIQUE ON CONFLICT ABORT,"
        " CONSTRAINT pair UNIQUE (a, b) ON CONFLICT ROLLBACK); CREATE TABLE log (a TEXT);"
        "CREATE TRIGGER copies AFTER INSERT ON log BEGIN INSERT INTO t (a) VALUES (NEW.a); END",
    )
    assert "ON CONFLICT REPLACE" in about(told, "constraint id PRIMARY KEY of table t")
    assert "ON CONFLICT DO NOTHING" in about(told, "constraint a NOT NULL of table t", "IGNORE")
    assert "FAIL" in about(told, "constraint b CONSTRAINT only_one UNIQUE of table t")
    assert "ROLLBACK" in about(told, "constraint CONSTRAINT pair UNIQUE (a, b) of table t")
    assert not [one for one in told if "ABORT" in one]
    assert about(told, "trigger copies", "was not translated", "ON CONFLICT REPLACE")


def test_an_applications_own_collation_is_told(opskit: Opskit, database: TestDatabase) -> None:
    told = migrated(
        opskit,
        database,
        "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('b'), ('a'); PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a TEXT COLLATE german)'",
    )
    assert about(told, "column a of table t has COLLATE GERMAN")
    assert query(database, "SELECT a FROM t ORDER BY a") == [("a",), ("b",)]
