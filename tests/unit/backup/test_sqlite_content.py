"""What a SQLite file holds is told whatever it is made of; content that breaks a rule is no damage."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from opskit.backup.manifest import TableSum
from opskit.backup.sqlite_content import faults, obvious_faults, table_sums
from opskit.runs.progress import Silence


def database(file: Path, script: str) -> Path:
    """A file made by an application with a function and a collation of its own."""
    connection = apsw.Connection(str(file))
    try:
        connection.create_scalar_function("own", lambda value: (value or 0) * 2, 1, deterministic=True)
        connection.create_collation("backwards", lambda one, other: (one < other) - (one > other))
        connection.execute(script).fetchall()
    finally:
        connection.close()
    return file


def sums(file: Path) -> dict[str, TableSum]:
    return {one.name: one for one in table_sums(file, Silence())}


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE t (a TEXT COLLATE backwards); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a TEXT COLLATE backwards PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE t (a); CREATE INDEX i ON t (own(a))",
        "CREATE TABLE t (a, b AS (own(a)), c AS (own(a)) STORED)",
        "CREATE TABLE t (a CHECK (own(a) >= 0))",
        "CREATE TABLE t (a CHECK (a > 5)); PRAGMA ignore_check_constraints = ON",
    ],
)
def test_an_applications_own_code_and_broken_rules_are_no_damage(tmp_path: Path, table: str) -> None:
    file = database(tmp_path / "app.db", f"{table}; INSERT INTO t (a) VALUES (1), (2), (3)")
    assert faults(file) == obvious_faults(file) == ()
    assert sums(file)["t"].rows == 3


def test_a_row_without_a_value_that_must_have_one_is_no_damage(tmp_path: Path) -> None:
    rule = "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a NOT NULL)' WHERE name = 't'"
    script = f"CREATE TABLE t (a); INSERT INTO t VALUES (NULL); PRAGMA writable_schema = ON; {rule}"
    assert faults(database(tmp_path / "app.db", script)) == ()


@pytest.mark.parametrize("index", ["i ON t (a)", "i ON t (own(a))"])
def test_damage_is_found_also_beside_an_applications_own_code(tmp_path: Path, index: str) -> None:
    rows = "WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 5000)"
    file = database(
        tmp_path / "app.db",
        f"CREATE TABLE t (a); CREATE INDEX {index}; CREATE TABLE plain (a, b);"
        f"{rows} INSERT INTO plain SELECT a, hex(a) FROM n; INSERT INTO t VALUES (1)",
    )
    content = bytearray(file.read_bytes())
    content[-4096 * 3 : -4096 * 2] = bytes(4096)
    file.write_bytes(content)
    assert faults(file)
    assert obvious_faults(file)


@pytest.mark.parametrize(
    ("unnoticed", "obvious"),
    [("INSERT INTO t VALUES (4)", True), ("DELETE FROM t WHERE a = 2", True), ("UPDATE t SET a = 9", False)],
)
def test_an_index_that_misses_a_row_is_found(tmp_path: Path, unnoticed: str, obvious: bool) -> None:
    """What is written while the schema does not show the index does not reach it."""
    file = database(
        tmp_path / "app.db", "CREATE TABLE t (a); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1), (2)"
    )
    kept = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = 'i'"
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute(f"PRAGMA writable_schema = ON; CREATE TABLE kept AS {kept}").fetchall()
        connection.execute("DELETE FROM sqlite_schema WHERE name = 'i'").fetchall()
    with closing(apsw.Connection(str(file))) as connection:
        back = "INSERT INTO sqlite_schema SELECT * FROM kept"
        connection.execute(f"{unnoticed}; PRAGMA writable_schema = ON; {back}").fetchall()
    assert faults(file)
    assert bool(obvious_faults(file)) is obvious


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "'1'"),
        ("1", "1.0"),
        ("NULL", "''"),
        ("''", "x''"),
        ("0.1", "0.1000000000000001"),
        ("'a'", "'A'"),
        ("zeroblob(100000)", "zeroblob(100001)"),
        ("zeroblob(100000)", "CAST(zeroblob(100000) AS TEXT)"),
        ("'a' || char(0) || 'b'", "'a' || char(0) || 'c'"),
        ("'1'", "x'31'"),
        ("hex(zeroblob(100000))", "hex(zeroblob(99999)) || '01'"),
    ],
)
def test_values_that_differ_have_digests_that_differ(tmp_path: Path, one: str, other: str) -> None:
    found = [
        sums(database(tmp_path / f"{number}.db", f"CREATE TABLE t (a); INSERT INTO t VALUES ({value})"))["t"]
        for number, value in enumerate((one, other))
    ]
    assert found[0].digest != found[1].digest


def test_no_value_can_look_like_two(tmp_path: Path) -> None:
    rows = ("('1:a,1:b', 'c')", "('1:a', '1:b,1:c')", "('a', '1:b,1:c')", "('a,1:b', 'c')", "('a', 'b,1:c')")
    found = {
        sums(database(tmp_path / f"{number}.db", f"CREATE TABLE t (a, b); INSERT INTO t VALUES {row}"))["t"]
        for number, row in enumerate(rows)
    }
    assert len(found) == len(rows)


def test_shadow_tables_and_sqlites_own_are_told_too(tmp_path: Path) -> None:
    script = (
        "CREATE VIRTUAL TABLE words USING fts5(text); CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)"
    )
    assert {"sqlite_schema", "sqlite_sequence", "t", "words_content"} <= sums(
        database(tmp_path / "app.db", script)
    ).keys()


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    first = database(tmp_path / "1.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)")
    second = database(tmp_path / "2.db", "CREATE TABLE t (a); INSERT INTO t VALUES (2), (1)")
    assert sums(first)["t"] == sums(second)["t"]
