"""Texts sort and compare after a migration as in SQLite, in a database that sorts by language."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from opskit.schema.sqlite_file import rows
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

WORDS = (
    *("apple", "Banana", "banana", "cherry", "Zebra", "ápple", "Ápple", "äpfel", "Äpfel", "zoo", "Z"),
    *("", " ", "_x", "-x", "a-b", "ab", "a b", "A_B", "10", "9", "é", "e", "E", "É", "ı", "I", "ß", "ss"),
    *("ﬀ", "ff", "日本", "🐘", "\uffee", "a'b", 'a"b', "a\\b", "a%b", "naïve", "naive", "Straße"),
)
FILE = """
CREATE TABLE words (
    id INTEGER PRIMARY KEY, word TEXT UNIQUE, doc TEXT CHECK (json_valid(doc)),
    lowered TEXT AS (lower(word)) STORED, late BOOLEAN DEFAULT 0,
    CHECK (word < '~~' OR word >= '~~')
);
CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE INDEX words_late ON words (word DESC) WHERE word > 'Z';
CREATE INDEX words_folded ON words (lower(word));
CREATE VIEW labels AS SELECT
    id, CASE WHEN word < 'a' THEN 'Upper ' || word ELSE 'lower ' || word END AS label,
    substr(word, 1, 1) AS first, 'x' AS fixed, word FROM words;
CREATE VIEW first_and_last AS SELECT min(word) AS least, max(word) AS greatest FROM words;
CREATE VIEW between_them AS SELECT word FROM words WHERE word BETWEEN 'B' AND 'b';
CREATE VIEW chain AS WITH RECURSIVE up(n, path) AS (
    SELECT 1, '' UNION ALL SELECT n + 1, path || '-' || word FROM up JOIN words ON id = n WHERE n < 4
) SELECT n, path FROM up;
CREATE VIEW both_lists AS SELECT word FROM words UNION SELECT 'Äther' UNION SELECT upper(a) FROM pairs;
"""
QUERIES = (
    "SELECT word FROM words ORDER BY word",
    "SELECT word FROM words ORDER BY word DESC LIMIT 5",
    "SELECT DISTINCT lowered FROM words ORDER BY lowered",
    "SELECT min(word), max(word), min(lowered), max(lowered) FROM words",
    "SELECT word FROM words WHERE word BETWEEN 'A' AND 'Zz' ORDER BY 1",
    "SELECT word FROM words WHERE word > 'a' AND word < 'z' ORDER BY 1",
    "SELECT count(*) FROM words WHERE lower(word) = lowered",
    "SELECT word FROM words WHERE lower(word) = 'äpfel' ORDER BY word",
    "SELECT word FROM words WHERE upper(word) = 'É' ORDER BY word",
    "SELECT a, b FROM pairs ORDER BY a, b",
    "SELECT a, max(b) FROM pairs GROUP BY a ORDER BY a",
    "SELECT w.word, p.b FROM words w JOIN pairs p ON p.a = w.word ORDER BY w.word, p.b",
    "SELECT doc ->> 'w' FROM words ORDER BY word",
    "SELECT word FROM words WHERE word LIKE 'a%' AND word >= 'a' ORDER BY word",
    "SELECT id, label FROM labels ORDER BY label",
    "SELECT first, count(*) FROM labels GROUP BY first ORDER BY first",
    "SELECT max(label), min(first), max(fixed) FROM labels",
    "SELECT label FROM labels WHERE label > word ORDER BY label, fixed",
    "SELECT least, greatest FROM first_and_last",
    "SELECT word FROM between_them ORDER BY word",
    "SELECT n, path FROM chain ORDER BY path, n",
    "SELECT word FROM both_lists ORDER BY word",
    "SELECT x.label FROM labels x JOIN both_lists y ON x.word = y.word ORDER BY x.label, y.word",
)


@pytest.fixture(scope="module")
def english(postgresql: PrivateCluster) -> Iterator[TestDatabase]:
    """A database that sorts as English does: case and punctuation last."""
    name = "english"
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE english TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        )
        yield TestDatabase(name, postgresql.conninfo(name), "")
        connection.execute("DROP DATABASE english WITH (FORCE)")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [(word, '{"w": 1}') for word in WORDS]
    pairs = [(one, other) for one in WORDS[:12] for other in WORDS[6:16]]
    return make_sqlite(
        tmp_path_factory.mktemp("words") / "words.db",
        FILE,
        ("INSERT INTO words (word, doc) VALUES (?, ?)", documents),
        ("INSERT INTO pairs VALUES (?, ?)", pairs),
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, words: Path, english: TestDatabase) -> list[str]:
    """What is told about the migration into the English database, which is then there."""
    result = Opskit(tmp_path_factory.mktemp("state"))("migrate", words, english.conninfo, "-o", "json")
    assert result.code == 0, result
    return result.document["warnings"]


def in_sqlite(file: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [tuple(row) for row in rows(connection, statement)]
    finally:
        connection.close()


def test_nothing_of_it_is_lost(told: list[str]) -> None:
    assert told == []


def test_the_database_itself_sorts_otherwise(english: TestDatabase) -> None:
    assert query(english, "SELECT 'a' < 'B', 'B' < 'a' COLLATE \"C\"") == [(True, True)]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("statement", QUERIES)
def test_a_query_over_texts_gives_the_same_rows_in_the_same_order(
    statement: str, words: Path, english: TestDatabase
) -> None:
    assert query(english, statement.replace("doc ->>", "doc::jsonb ->>")) == [
        tuple(str(one) if "->>" in statement else one for one in row) for row in in_sqlite(words, statement)
    ]
