"""Rows that the server refuses although every value fits are set aside; all others arrive.

A row takes at most 8160 bytes in its page, and short texts are kept there: 450 of 20 characters take more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.integration.migrate.kills import begun, kill_when, left_behind
from tests.support import Opskit, Result, make_sqlite, query, relations

COUNT = 450
COLUMNS = ", ".join(f"c{number} TEXT" for number in range(COUNT))
NAMES = ", ".join(f"c{number}" for number in range(COUNT))
EMPTY = "'', " * (COUNT - 1) + "''"


def rows(table: str, keys: str, *large: int, last: int = 60) -> str:
    """Numbered rows for a table, `keys` before its columns; some too large."""
    value = f"printf(CASE WHEN n IN ({', '.join(map(str, large))}) THEN '%20d' ELSE '%3d' END, n)"
    values = ", ".join([value] * COUNT)
    return f"""
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
    INSERT INTO {table} SELECT {keys} {values} FROM numbers;
    """


SCRIPT = f"""
CREATE TABLE keyed (id INTEGER PRIMARY KEY, {COLUMNS});
{rows("keyed", "n,", 7, 8, 60, last=300)}
UPDATE keyed SET c0 = 'a' || char(9) || char(10) || '\\' || char(30) WHERE id IN (1, 7);
CREATE TABLE "odd ""name" (a TEXT, b REAL, {COLUMNS}, PRIMARY KEY (a, b)) WITHOUT ROWID;
{rows('"odd ""name"', "'%s ' || n, n / 2.0,", 30)}
CREATE TABLE keyless ({COLUMNS});
{rows("keyless", "", 5, last=5)} {rows("keyless", "", 5, last=5)}
CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES keyed);
INSERT INTO children VALUES (1, 1), (2, 7);
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO notes VALUES (1, 'a'), (2, 'a' || char(0)), (3, NULL);
PRAGMA writable_schema = 1;
UPDATE sqlite_schema SET sql = replace(sql, 'body TEXT', 'body TEXT NOT NULL') WHERE name = 'notes';
PRAGMA writable_schema = RESET;
"""
TOO_BIG = "PostgreSQL: row is too big: size"


@dataclass(frozen=True, slots=True)
class Migrated:
    """The database after its migration."""

    source: Path
    database: TestDatabase
    result: Result
    opskit: Opskit

    def told(self, *words: str) -> bool:
        """Does one sentence hold all these words?"""
        return any(all(word in one for word in words) for one in self.result.document["warnings"])


@pytest.fixture(scope="module", params=["UTF-8", "UTF-16le"])
def migrated(
    request: pytest.FixtureRequest, postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Migrated]:
    room = tmp_path_factory.mktemp("refused")
    name = f"refused_{request.param[4:].replace('-', '')}"
    source = make_sqlite(room / "app.db", f"PRAGMA encoding = '{request.param}'; {SCRIPT}")
    postgresql.create_database(name)
    database = TestDatabase(name, postgresql.conninfo(name), "")
    opskit = Opskit(room / "state")
    result = opskit("migrate", source, database.conninfo, "-o", "json")
    assert result.code == 0, result
    yield Migrated(source, database, result, opskit)
    opskit.kill()


def test_all_other_rows_arrive(migrated: Migrated) -> None:
    counted = ", ".join(
        f"(SELECT count(*) FROM {table})" for table in ("keyed", '"odd ""name"', "keyless", "notes")
    )
    assert query(migrated.database, f"SELECT {counted}") == [(297, 59, 8, 1)]


def test_each_stands_whole_beside_its_table_with_the_words_of_the_server(migrated: Migrated) -> None:
    kept = query(migrated.database, "SELECT key, reason, row FROM keyed_rejects ORDER BY (row ->> 'id')::int")
    assert [key for key, _, _ in kept] == ["id=7", "id=8", "id=60"]
    assert all(reason.startswith(TOO_BIG) for _, reason, _ in kept)
    first, second, _ = (row for _, _, row in kept)
    assert (first["c0"], first["c1"]) == ("a\t\n\\\x1e", f"{7:20}")
    assert second == {"id": 8, **dict.fromkeys(NAMES.split(", "), f"{8:20}")}
    (key,) = query(migrated.database, 'SELECT key FROM "odd ""name_rejects"')
    assert key == ("a=%s 30, b=15.0",)


def test_rows_that_nothing_tells_apart_are_all_kept(migrated: Migrated) -> None:
    kept = query(migrated.database, "SELECT row ->> 'c449' FROM keyless_rejects")
    assert kept == [(f"{5:20}",), (f"{5:20}",)]


def test_they_stand_among_those_whose_values_do_not_fit(migrated: Migrated) -> None:
    kept = query(migrated.database, "SELECT key, reason FROM notes_rejects ORDER BY key")
    assert [key for key, _ in kept] == ["id=2", "id=3"]
    assert "NUL" in kept[0][1]
    assert "violates not-null constraint" in kept[1][1]


def test_each_is_told_and_counted(migrated: Migrated) -> None:
    assert migrated.told("table keyed: 3 rows do not fit", "keyed_rejects", f"id=60: {TOO_BIG}")
    assert migrated.told("foreign key", "children", "NOT VALID")
    found = migrated.result.document["result"]["databases"][0]["tables"]
    assert {one["source"]: one["rejected"] for one in found} == {
        "keyed": 3,
        'odd "name': 1,
        "keyless": 2,
        "children": 0,
        "notes": 2,
    }


@pytest.mark.parametrize("level", ["counts", "digest", "rows"])
def test_verify_accounts_for_them(migrated: Migrated, level: str) -> None:
    result = migrated.opskit(
        "verify", migrated.source, migrated.database.conninfo, "--level", level, "-o", "json"
    )
    assert result.code == 0, result
    noted = "does not hold 3 rows: they are kept in keyed_rejects"
    assert any(noted in one for one in result.document["warnings"])


SMALL = f"""
CREATE TABLE keyed (id INTEGER PRIMARY KEY, {COLUMNS}, twice INTEGER AS (id * 2));
{rows(f"keyed (id, {NAMES})", "n,", 7, 8, last=20)}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A source with two rows that are too large."""
    return make_sqlite(tmp_path / "app.db", SMALL)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM keyed_rejects WHERE key = 'id=8'", "missing in target: id=8"),
        ("UPDATE keyed_rejects SET row = row - 'c9' WHERE key = 'id=8'", "extra in keyed_rejects: id=8"),
        ("DELETE FROM keyed WHERE id = 9", "missing in target: id=9"),
        (f"INSERT INTO keyed (id, {NAMES}) VALUES (8, {EMPTY})", "extra in target: id=8"),
    ],
)
def test_verify_names_what_is_amiss_with_them(
    opskit: Opskit, small: Path, database: TestDatabase, statement: str, found: str
) -> None:
    assert opskit("migrate", small, database.url).code == 0
    query(database, statement)
    result = opskit("verify", small, database.url, "--level", "rows", "-o", "json")
    assert result.code == 3
    (table,) = result.document["result"]["databases"][0]["tables"]
    assert any(found in difference for difference in table["differences"])


def test_they_can_be_refused_instead(opskit: Opskit, small: Path, database: TestDatabase) -> None:
    result = opskit("migrate", small, database.url, "--misfits", "refuse", "-o", "json")
    assert result.code == 4
    messages = [error["message"] for error in result.document["errors"]]
    assert len(messages) == 2
    assert "table keyed" in messages[1]
    assert "id=8: PostgreSQL: row is too big" in messages[1]
    assert relations(database) == []


def test_a_schema_of_the_application_has_no_place_for_them(
    opskit: Opskit, small: Path, database: TestDatabase
) -> None:
    query(database, f"CREATE TABLE keyed (id bigint PRIMARY KEY, {COLUMNS}, twice bigint)")
    result = opskit("migrate", small, database.url, "--into-existing", "-o", "json")
    assert result.code == 4
    assert "id=7: PostgreSQL: row is too big" in result.document["errors"][0]["message"]
    assert query(database, "SELECT count(*) FROM keyed") == [(0,)]
    assert query(database, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'opskit%'") == []


@pytest.mark.parametrize("moment", ["beside their tables", "verify every row", "publish"])
def test_killed_and_resumed(opskit: Opskit, small: Path, database: TestDatabase, moment: str) -> None:
    assert kill_when(opskit.start("migrate", small, database.url), begun(opskit, moment))
    result = opskit("migrate", small, database.url, "--resume", "-o", "json")
    assert result.code == 0, result
    assert result.document["result"]["rejected"] == 2
    assert query(database, "SELECT key FROM keyed_rejects ORDER BY key") == [("id=7",), ("id=8",)]
    assert opskit("verify", small, database.url).code == 0
    assert left_behind(opskit, database, backups=1) == []


def test_rows_that_the_server_cannot_compute_a_column_for_arrive_with_its_values(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    """SQLite goes on with a floating point number where a bigint ends."""
    source = make_sqlite(
        tmp_path / "app.db",
        f"""
        CREATE TABLE keyed (id INTEGER PRIMARY KEY, {COLUMNS}, n INTEGER, more AS (n * 4000000000) STORED);
        {rows(f"keyed (id, {NAMES})", "n,", 7, last=20)}
        UPDATE keyed SET n = CASE id WHEN 9 THEN 4000000000 ELSE id END;
        """,
    )
    result = opskit("migrate", source, database.url, "-o", "json")
    assert result.code == 0, result
    assert query(database, "SELECT id, more FROM keyed WHERE id IN (7, 8, 9)") == [(8, 32e9), (9, 1.6e19)]
    assert query(database, "SELECT key FROM keyed_rejects") == [("id=7",)]
    assert any("generated column more of table keyed became" in one for one in result.document["warnings"])
    assert opskit("verify", source, database.url).code == 0


def test_in_parts_and_among_large_values(opskit: Opskit, tmp_path: Path, database: TestDatabase) -> None:
    """Also rows that travel by themselves are left out one by one."""
    source = make_sqlite(
        tmp_path / "app.db",
        f"""
        CREATE TABLE parts (id INTEGER PRIMARY KEY, body TEXT, {COLUMNS});
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 900)
        INSERT INTO parts (id, body) SELECT n, hex(randomblob(20000)) FROM numbers;
        {rows(f"parts (id, body, {NAMES})", "n + 900, 'few',", 8, last=9)}
        UPDATE parts SET body = hex(randomblob(800000)) WHERE id IN (8, 907, 908);
        """,
    )
    result = opskit("migrate", source, database.url, "--jobs", "2", "-o", "json")
    assert result.code == 0, result
    assert query(database, "SELECT count(*) FROM parts") == [(908,)]
    assert query(database, "SELECT key FROM parts_rejects") == [("id=908",)]
    assert opskit("verify", source, database.url).code == 0
