"""Views whose values depend on more than their rows: on what JSON keeps, and on where it is what time."""

import pytest

from tests.conftest import TestDatabase
from tests.integration.migrate.moved import about, migrated
from tests.support import Opskit, make_sqlite, query


def test_views_and_indexes_read_json_that_keeps_its_text(opskit: Opskit, database: TestDatabase) -> None:
    told = migrated(
        opskit,
        database,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, doc JSON DEFAULT '{}', CHECK (json_valid(doc)));"
        "CREATE INDEX names ON t (json_extract(doc, '$.name'));"
        "CREATE VIEW v AS SELECT id, json_extract(doc, '$.name') AS name, doc FROM t"
        " WHERE json_extract(doc, '$.n') > 1;"
        'INSERT INTO t VALUES (1, \'{"n": 2, "name": "b",  "n": 3}\'), (2, \'{"n": 1}\')',
    )
    assert not [one for one in told if "left out" in one or "not translated" in one]
    assert query(database, "SELECT pg_typeof(doc)::text, doc::text, name FROM v") == [
        ("json", '{"n": 2, "name": "b",  "n": 3}', "b")
    ]
    assert query(database, "INSERT INTO t (id) VALUES (9) RETURNING doc::text") == [("{}",)]


@pytest.mark.parametrize(
    ("zone", "outcome"), [("UTC", "local time of the session"), ("Asia/Kathmandu", "differ")]
)
def test_a_view_of_local_times_is_told_and_stays_where_its_rows_are_the_same(
    zone: str, outcome: str, opskit: Opskit, database: TestDatabase
) -> None:
    file = make_sqlite(
        opskit.state_dir.parent / "local.db",
        "CREATE TABLE t (at DATETIME); INSERT INTO t VALUES ('2024-07-01 12:00:00');"
        "CREATE VIEW v AS SELECT datetime(at, 'localtime') AS here FROM t",
    )
    result = opskit("migrate", file, database.url, "-o", "json", environ={"TZ": zone})
    assert result.code == 0, result
    assert about(result.document["warnings"], "view v", outcome)
