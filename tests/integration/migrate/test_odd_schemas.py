"""Schemas nobody would write: every table arrives, with the rules PostgreSQL can hold; the rest is named."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query

LONG = "a_name_that_is_longer_than_any_that_a_server_of_this_kind_can_hold_"
"""67 bytes: two such names with different ends are the same once they are cut at 63."""

SCHEMA = f"""
CREATE TABLE system (tableoid INT, xmin INT, xmin_ INT, cmax INT, ctid TEXT, oid INT);
INSERT INTO system VALUES (1, 2, 3, 4, '(0,1)', 5);
CREATE TABLE {LONG}1 ({LONG}x INT, {LONG}y INT); INSERT INTO {LONG}1 VALUES (1, 2);
CREATE TABLE {LONG}2 (id INTEGER PRIMARY KEY); INSERT INTO {LONG}2 VALUES (7);
CREATE TABLE "select" ("from" TEXT, "where" INT DEFAULT 3 CHECK ("where" > 0), PRIMARY KEY ("from", "where"));
INSERT INTO "select" VALUES ('x', 1);
CREATE TABLE [odd table; --] (`back tick` INT, [brack et] INT /* a ) comment, with NOT NULL */,
    "say ""hi"" twice" INT);
INSERT INTO "odd table; --" VALUES (1, 2, 3);

CREATE TABLE null_keys (a TEXT, b INT, note TEXT, PRIMARY KEY (a, b));
INSERT INTO null_keys VALUES (NULL, 1, 'first'), (NULL, 1, 'again'), ('x', 1, 'whole');
CREATE TABLE no_alias (id INT PRIMARY KEY, t TEXT); INSERT INTO no_alias VALUES (NULL, 'a'), (1, 'b');
CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, t TEXT); INSERT INTO descending VALUES (3, 'a');
CREATE TABLE last_key (id INTEGER PRIMARY KEY AUTOINCREMENT);
INSERT INTO last_key VALUES (9223372036854775807);
CREATE TABLE negative (id INTEGER PRIMARY KEY); INSERT INTO negative VALUES (-5), (-3);

CREATE TABLE resolved (id INTEGER PRIMARY KEY, mail TEXT UNIQUE ON CONFLICT REPLACE,
    n INT NOT NULL ON CONFLICT IGNORE);
INSERT INTO resolved VALUES (1, 'a@example.org', 1), (2, 'a@example.org', 2);
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT, code TEXT UNIQUE);
INSERT INTO parents VALUES (1, 'p', 'c');
CREATE TABLE no_table (id INTEGER PRIMARY KEY, p REFERENCES nowhere (id)); INSERT INTO no_table VALUES (1, 1);
CREATE TABLE no_column (id INTEGER PRIMARY KEY, p REFERENCES parents (missing));
INSERT INTO no_column VALUES (1, 1);
CREATE TABLE not_unique (id INTEGER PRIMARY KEY, p TEXT REFERENCES parents (name));
INSERT INTO not_unique VALUES (1, 'p');
CREATE TABLE too_few (a INT, b INT, FOREIGN KEY (a, b) REFERENCES parents); INSERT INTO too_few VALUES (1, 1);
CREATE TABLE other_case (id INTEGER PRIMARY KEY, p TEXT REFERENCES PARENTS (CODE));
INSERT INTO other_case VALUES (1, 'c');
CREATE TABLE tree (id INTEGER PRIMARY KEY, up INT REFERENCES tree DEFERRABLE INITIALLY DEFERRED);
INSERT INTO tree VALUES (1, 2), (2, 3), (3, 1);

CREATE TABLE big_keys (id INTEGER PRIMARY KEY, t TEXT); CREATE INDEX big_keys_t ON big_keys (t);
INSERT INTO big_keys VALUES (1, hex(randomblob(50000)));
CREATE TABLE big_rows (id INTEGER PRIMARY KEY, t TEXT, b BLOB);
INSERT INTO big_rows VALUES (1, hex(randomblob(3000000)), randomblob(5000000));
CREATE TABLE same_index (a INT); CREATE INDEX parents_a ON same_index (a);
CREATE TABLE computed (a INT, b INT AS (a + 1), c INT AS (b * 2) STORED, d TEXT AS (printf('%05d', a)));
INSERT INTO computed (a) VALUES (1), (NULL);

CREATE VIEW parents_a_pkey AS SELECT id FROM parents;
CREATE VIEW over_rowid AS SELECT rowid AS r, name FROM parents;
CREATE VIEW over_view AS SELECT r + 1 AS s FROM over_rowid WHERE name = "p";
CREATE VIEW broken AS SELECT gone FROM nowhere;
CREATE VIEW of_sqlite AS SELECT name FROM sqlite_master WHERE type = 'table';
CREATE VIEW with_json AS SELECT json_each.value FROM parents, json_each('[1, 2]');
CREATE VIEW counted AS
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n;
"""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The odd schema after its migration."""

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
    source = make_sqlite(room / "odd.db", SCHEMA)
    postgresql.create_database("odd_schemas")
    database = TestDatabase("odd_schemas", postgresql.conninfo("odd_schemas"), "")
    opskit = Opskit(room / "state")
    result = opskit("migrate", source, database.conninfo, "-o", "json")
    assert result.code == 0, result
    yield Migrated(database, result, opskit("verify", source, database.conninfo, "-o", "json"))
    opskit.kill()


def test_it_verifies(migrated: Migrated) -> None:
    assert migrated.verified.code == 0, migrated.verified


def test_system_columns_make_room_without_taking_a_name_that_is_there(migrated: Migrated) -> None:
    names = migrated.result.document["result"]["name_map"]["columns"]["system"]
    assert names.keys() == {"tableoid", "xmin", "cmax", "ctid"}
    columns = ("tableoid", "xmin", "xmin_", "cmax", "ctid", "oid")
    fields = ", ".join(f'"{names.get(name, name)}"' for name in columns)
    assert migrated.query(f"SELECT {fields} FROM system") == [(1, 2, 3, 4, "(0,1)", 5)]
    assert migrated.told("xmin", "system")


def test_long_names_stay_different_when_they_are_cut(migrated: Migrated) -> None:
    names = migrated.result.document["result"]["name_map"]
    tables = [names["tables"][f"{LONG}{end}"].removeprefix("public.") for end in (1, 2)]
    columns = [names["columns"][f"{LONG}1"][f"{LONG}{end}"] for end in "xy"]
    assert migrated.query(f"SELECT {', '.join(columns)} FROM {tables[0]}") == [(1, 2)]
    assert migrated.query(f"INSERT INTO {tables[1]} DEFAULT VALUES RETURNING id") == [(8,)]
    assert all(migrated.told(f"{LONG}{end}", "renamed") for end in (1, 2, "x", "y"))


def test_reserved_words_and_every_way_of_quoting_keep_their_names(migrated: Migrated) -> None:
    assert migrated.query('SELECT "from", "where" FROM "select"') == [("x", 1)]
    assert migrated.query('SELECT "back tick", "brack et", "say ""hi"" twice" FROM "odd table; --"') == [
        (1, 2, 3)
    ]
    with pytest.raises(psycopg.errors.CheckViolation):
        migrated.query("""INSERT INTO "select" VALUES ('y', 0)""")


def test_keys_that_hold_null_are_told_and_their_rows_kept(migrated: Migrated) -> None:
    assert migrated.query("SELECT note FROM null_keys ORDER BY note") == [("again",), ("first",), ("whole",)]
    assert migrated.query("SELECT t FROM no_alias ORDER BY t") == [("a",), ("b",)]
    assert migrated.told("primary key", "null_keys", "NULL")
    assert migrated.told("primary key", "no_alias", "NULL")
    with pytest.raises(psycopg.errors.UniqueViolation):
        migrated.query("INSERT INTO null_keys VALUES ('x', 1, 'a second time')")


def test_generators_at_both_ends_of_the_integers(migrated: Migrated) -> None:
    assert migrated.query("INSERT INTO negative DEFAULT VALUES RETURNING id") == [(1,)]
    with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
        migrated.query("INSERT INTO last_key DEFAULT VALUES")


def test_what_on_conflict_did_is_told(migrated: Migrated) -> None:
    assert migrated.query("SELECT id FROM resolved") == [(2,)]
    assert migrated.told("resolved", "mail", "REPLACE")
    assert migrated.told("resolved", "IGNORE")


@pytest.mark.parametrize("table", ["no_table", "no_column", "not_unique", "too_few"])
def test_a_foreign_key_that_means_nothing_is_told_and_its_rows_kept(migrated: Migrated, table: str) -> None:
    assert migrated.query(f"SELECT count(*) FROM {table}") == [(1,)]
    keys = f"SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = '{table}'::regclass"
    assert migrated.query(keys) == []
    assert migrated.told("foreign key", table)


def test_foreign_keys_in_another_case_and_in_a_circle(migrated: Migrated) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        migrated.query("INSERT INTO other_case VALUES (2, 'nobody')")
    migrated.query("BEGIN; INSERT INTO tree VALUES (5, 6); INSERT INTO tree VALUES (6, 5); COMMIT")
    assert not migrated.told("foreign key", "other_case")
    assert not migrated.told("foreign key", "tree")


def test_an_index_over_values_too_large_for_one_is_told(migrated: Migrated) -> None:
    assert migrated.query("SELECT length(t) FROM big_keys") == [(100_000,)]
    assert migrated.told("index big_keys_t", "big_keys")


def test_rows_of_many_megabytes(migrated: Migrated) -> None:
    assert migrated.query("SELECT length(t), length(b) FROM big_rows") == [(6_000_000, 5_000_000)]


def test_computed_columns_over_computed_columns(migrated: Migrated) -> None:
    assert migrated.query("SELECT a, b, c, d FROM computed ORDER BY a") == [
        (1, 2, 4, "00001"),
        (None, None, None, "00000"),
    ]


def test_views_in_sqlites_dialect_show_the_same_or_are_told(migrated: Migrated) -> None:
    assert migrated.query("SELECT * FROM parents_a_pkey") == [(1,)]
    for view, rows in {
        "over_rowid": [(1, "p")],
        "over_view": [(2,)],
        "with_json": [(1,), (2,)],
        "counted": [(1,), (2,), (3,)],
    }.items():
        if not migrated.told(f"view {view}"):
            assert sorted(migrated.query(f"SELECT * FROM {view}")) == rows
    assert migrated.told("view broken")
    assert migrated.told("view of_sqlite")
