"""A generated column whose expression the server refuses becomes an ordinary one, with the values it had."""

from collections.abc import Iterator

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.integration.migrate.moved import Moved, about, moved_database

SCRIPT = """
CREATE TABLE words (word TEXT NOT NULL, digits TEXT AS (hex(word)), upper TEXT AS (upper(word)) STORED,
    more TEXT AS (hex(word) || '!'));
INSERT INTO words (word) VALUES ('a'), ('ü');
CREATE INDEX by_digits ON words (digits);
"""


@pytest.fixture(scope="module")
def moved(postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    with moved_database(postgresql, tmp_path_factory, SCRIPT) as one:
        yield one


def test_it_keeps_its_values(moved: Moved) -> None:
    assert moved.query("SELECT word, digits, more FROM words ORDER BY word") == [
        ("a", "61", "61!"),
        ("ü", "C3BC", "C3BC!"),
    ]


def test_it_is_told_with_the_words_of_the_server_and_its_sql(moved: Moved) -> None:
    about(moved.told, "generated column digits of table words", "not immutable", "hex(word)")
    about(moved.told, "generated column more of table words", "not immutable", "hex(word) || '!'")


def test_others_of_its_table_stay_generated(moved: Moved) -> None:
    assert moved.query(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'words'::regclass AND attgenerated = 's'"
    ) == [("upper",)]


def test_nothing_else_is_left_behind(moved: Moved) -> None:
    assert moved.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'opskit%'") == []
