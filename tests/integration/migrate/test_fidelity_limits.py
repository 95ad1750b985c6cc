"""What is too large for PostgreSQL is left out and told by name; everything beside it arrives."""

import random
from pathlib import Path

from tests.conftest import TestDatabase
from tests.integration.migrate.moved import about, migrated
from tests.support import Opskit, make_sqlite, query, relations


def columns(count: int, declared: str) -> str:
    return ", ".join(f"c{number} {declared}" for number in range(count))


def test_a_table_of_too_many_columns_is_left_out_with_what_uses_it(
    opskit: Opskit, database: TestDatabase
) -> None:
    told = migrated(
        opskit,
        database,
        f"CREATE TABLE wide ({columns(1601, 'INTEGER')}, UNIQUE (c0)); INSERT INTO wide (c0) VALUES (1);"
        f"CREATE TABLE fits ({columns(1600, 'TEXT')}); INSERT INTO fits (c1) VALUES ('x');"
        "CREATE TABLE child (id INT REFERENCES wide (c0), a TEXT); INSERT INTO child VALUES (1, 'y');"
        "CREATE INDEX wide_c5 ON wide (c5); CREATE VIEW narrow AS SELECT c0, c7 FROM wide;"
        "CREATE VIEW both AS SELECT a FROM child, narrow; CREATE VIEW kept AS SELECT a FROM child;"
        "CREATE TRIGGER on_wide AFTER INSERT ON wide BEGIN DELETE FROM child; END;"
        "CREATE TRIGGER on_child AFTER INSERT ON child BEGIN INSERT INTO wide (c0) VALUES (NEW.id); END;"
        "CREATE TRIGGER kept_too AFTER DELETE ON child BEGIN DELETE FROM fits; END;",
    )
    assert "1601 columns" in about(told, "table wide was not migrated")
    assert "wide" in about(told, "foreign key child_id_fkey of table child was left out")
    for what in ("view narrow", "view both", "trigger on_wide", "trigger on_child"):
        assert about(told, f"{what} ", "not translated")
    assert query(database, "SELECT c1 FROM fits") == [("x",)]
    assert query(database, "SELECT a FROM kept") == [("y",)]
    assert [one for one in relations(database) if "wide" in one] == []


def test_a_table_whose_rows_fit_no_page_is_left_out(opskit: Opskit, database: TestDatabase) -> None:
    told = migrated(
        opskit,
        database,
        f"CREATE TABLE heavy ({columns(1018, 'INTEGER NOT NULL')}); CREATE TABLE light (a);"
        f"CREATE TABLE brimful ({columns(1017, 'INTEGER NOT NULL')});"
        f"INSERT INTO brimful VALUES ({', '.join(['9223372036854775807'] * 1017)});"
        f"INSERT INTO heavy VALUES ({', '.join(['1'] * 1018)}); INSERT INTO light VALUES (1)",
    )
    assert "8168 bytes" in about(told, "table heavy was not migrated")
    assert query(database, "SELECT count(*) FROM brimful") == [(1,)]
    assert relations(database) == ["public.brimful", "public.light"]


def test_keys_that_fit_no_index_page_are_told(opskit: Opskit, database: TestDatabase, tmp_path: Path) -> None:
    noise = random.Random(7).randbytes(9000)  # so that nothing can be compressed
    long = noise.hex()[:9000]
    file = make_sqlite(
        tmp_path / "long.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b BLOB, c TEXT, short TEXT UNIQUE);"
        "CREATE INDEX t_blob ON t (b); CREATE INDEX t_pair ON t (c, short); "
        "CREATE UNIQUE INDEX t_blobs ON t (b, id);"
        "CREATE INDEX t_short ON t (short); CREATE TABLE k (key TEXT PRIMARY KEY);"
        "CREATE TABLE child (key TEXT REFERENCES k)",
        ("INSERT INTO t (a, b, c, short) VALUES (?, ?, ?, 'x')", [(long, noise, long)]),
        ("INSERT INTO k VALUES (?)", [(long,)]),
        ("INSERT INTO child VALUES (?)", [(long,)]),
    )
    result = opskit("migrate", file, database.url, "-o", "json")
    assert result.code == 0, result
    told = result.document["warnings"]
    assert about(told, "unique constraint t_a_key of table t was left out")
    assert about(told, "primary key k_pkey of table k was left out")
    assert about(told, "foreign key child_key_fkey of table child to table k was left out")
    for index in ("t_blob", "t_pair", "t_blobs"):
        assert about(told, f"index {index} of table t was left out")
    assert query(database, "SELECT a, b FROM t") == [(long, noise)]
    assert query(database, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1") == [
        ("t_pkey",),
        ("t_short",),
        ("t_short_key",),
    ]
