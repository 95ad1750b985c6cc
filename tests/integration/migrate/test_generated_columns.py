"""The server computes for a generated column what SQLite did, or the column keeps SQLite's values."""

from pathlib import Path

import pytest

from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

SAME = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b AS (a || '!') STORED, c TEXT AS (lower(b)));"
DIFFERENT = "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b AS (a || '!') STORED, c AS (id + 1) STORED);"


def generated(database: TestDatabase) -> list[str]:
    found = query(
        database,
        "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attgenerated <> '' ORDER BY 1",
    )
    return [str(name) for (name,) in found]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_columns_that_both_engines_compute_alike_stay_generated(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, jobs: str
) -> None:
    source = make_sqlite(tmp_path / "app.db", SAME + "INSERT INTO t (a) VALUES ('X'), (NULL), ('y')")
    assert opskit("migrate", source, database.url, "--jobs", jobs).code == 0
    assert generated(database) == ["b", "c"]
    assert query(database, "SELECT b, c FROM t ORDER BY id") == [("X!", "x!"), (None, None), ("y!", "y!")]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_columns_that_would_hold_other_values_become_ordinary_ones_and_keep_them(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, jobs: str
) -> None:
    """A column without a type that holds a text becomes text, in which an infinity has another spelling."""
    source = make_sqlite(tmp_path / "app.db", DIFFERENT + "INSERT INTO t (a) VALUES ('x'), (1e999), (7)")
    result = opskit("migrate", source, database.url, "--jobs", jobs, "-o", "json")
    assert result.code == 0, result
    assert query(database, "SELECT b, c FROM t ORDER BY id") == [("x!", 2), ("Inf!", 3), ("7!", 4)]
    assert generated(database) == ["c"]
    (told,) = [one for one in result.document["warnings"] if "generated column b of table t" in one]
    assert "became an ordinary column with the values it had: its values differ between the engines" in told
    assert opskit("verify", source, database.url).code == 0


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_several_tables_with_large_values_are_filled_again_side_by_side(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, jobs: str
) -> None:
    tables = "; ".join(
        f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, a, b AS (a || '!'), large BLOB);"
        f" INSERT INTO t{number} VALUES (1, 1e999, randomblob(2000000)), (2, 'x', NULL)"
        for number in range(4)
    )
    source = make_sqlite(tmp_path / "app.db", tables)
    assert opskit("migrate", source, database.url, "--jobs", jobs).code == 0
    assert query(database, "SELECT b, octet_length(large) FROM t3 ORDER BY id") == [
        ("Inf!", 2000000),
        ("x!", None),
    ]
    assert opskit("verify", source, database.url).code == 0
