"""Whatever differs between the two sides is found, and named with its table and key."""

import shutil
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL, born DATE, data BLOB);
CREATE TABLE lines (a TEXT, b INT, note TEXT, PRIMARY KEY (a, b));
CREATE TABLE log (at TEXT, what TEXT);
CREATE TABLE empty (x);
"""


@pytest.fixture(scope="module")
def migrated(postgresql: PrivateCluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file of some thousand rows; its target is a template for the tests' own."""
    directory = tmp_path_factory.mktemp("migrated")
    file = make_sqlite(
        directory / "app.db",
        SCHEMA,
        (
            "INSERT INTO users VALUES (?, ?, ?, ?, ?)",
            [(n, f"user\t{n}\\", n / 7, "2000-02-29", bytes([n % 256])) for n in range(20_000)],
        ),
        ("INSERT INTO lines VALUES (?, ?, ?)", [(f"k{n}", n % 3, "x" * (n % 50)) for n in range(2000)]),
        ("INSERT INTO log VALUES (?, ?)", [("t", "twice"), ("t", "twice"), (None, "once")]),
    )
    postgresql.create_database("migrated")
    assert Opskit(directory / "state")("migrate", file, postgresql.conninfo("migrated")).code == 0
    return file


@pytest.fixture
def source(migrated: Path, tmp_path: Path, database: TestDatabase, postgresql: PrivateCluster) -> Path:
    """A file of one's own, whose migrated rows stand in `database`."""
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database.name}".encode())
        connection.execute(f"CREATE DATABASE {database.name} TEMPLATE migrated".encode())
    return shutil.copy(migrated, tmp_path / "app.db")


def differences(result: Result) -> dict[str, list[str]]:
    """Table → what was found, for the tables that differ."""
    assert result.code == 3
    assert result.document["result"]["equal"] is False
    (one,) = result.document["result"]["databases"]
    return {table["table"]: table["differences"] for table in one["tables"] if not table["equal"]}


def verify(opskit: Opskit, source: Path, database: TestDatabase, level: str = "rows") -> Result:
    return opskit("verify", source, database.url, "--level", level, "-o", "json")


@pytest.mark.parametrize("level", ["counts", "digest", "rows"])
def test_the_same_on_both_sides(opskit: Opskit, source: Path, database: TestDatabase, level: str) -> None:
    before = source.read_bytes()
    result = verify(opskit, source, database, level)
    assert result.code == 0
    (one,) = result.document["result"]["databases"]
    assert one["level"] == level
    assert {table["table"]: table["source_rows"] for table in one["tables"]} == {
        "users": 20_000,
        "lines": 2000,
        "log": 3,
        "empty": 0,
    }
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE users SET name = 'x' WHERE id = 17171", ["changed: id=17171 (name)"]),
        ("UPDATE users SET score = score + 1e-9 WHERE id = 7", ["changed: id=7 (score)"]),
        ("UPDATE users SET name = NULL, data = '' WHERE id = 0", ["changed: id=0 (name, data)"]),
        ("UPDATE users SET born = '2000-03-01' WHERE id = 3", ["changed: id=3 (born)"]),
        ("DELETE FROM users WHERE id = 9", ["missing in target: id=9"]),
        ("INSERT INTO users (id) VALUES (99999)", ["extra in target: id=99999"]),
        ("UPDATE users SET id = -5 WHERE id = 5", ["extra in target: id=-5", "missing in target: id=5"]),
        (
            "DELETE FROM users WHERE id = 1; INSERT INTO users (id) VALUES (-1)",
            ["extra in target: id=-1", "missing in target: id=1"],
        ),
    ],
)
def test_a_single_difference_is_named_with_table_key_and_column(
    opskit: Opskit, source: Path, database: TestDatabase, statement: str, found: list[str]
) -> None:
    query(database, statement)
    by_rows = differences(verify(opskit, source, database))
    assert by_rows.keys() == {"users"}
    assert sorted(by_rows["users"]) == found
    assert differences(verify(opskit, source, database, "digest")).keys() == {"users"}


def test_a_difference_in_text_for_people(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    query(database, "UPDATE lines SET note = 'other' WHERE a = 'k7'")
    result = opskit("verify", source, database.url)
    assert result.code == 3
    assert "NOT the same" in result.stdout
    assert "table lines: changed: a=k7, b=1 (note)" in result.stdout


def test_counts_see_numbers_only(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    query(database, "UPDATE users SET name = 'x'")
    assert verify(opskit, source, database, "counts").code == 0
    query(database, "DELETE FROM users WHERE id = 1")
    assert differences(verify(opskit, source, database, "counts")) == {
        "users": ["20000 rows in the source, 19999 in the target"]
    }


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("INSERT INTO log VALUES ('t', 'twice')", ["extra in target: at=t, what=twice"]),
        (
            "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log WHERE what = 'twice')",
            ["missing in target: at=t, what=twice"],
        ),
        (
            "UPDATE log SET at = 'NULL' WHERE at IS NULL",
            ["extra in target: at=NULL, what=once", "missing in target: at=NULL, what=once"],
        ),
    ],
)
def test_a_table_without_a_key_and_with_duplicates(
    opskit: Opskit, source: Path, database: TestDatabase, statement: str, found: list[str]
) -> None:
    query(database, statement)
    by_rows = differences(verify(opskit, source, database))
    assert by_rows.keys() == {"log"}
    assert sorted(by_rows["log"]) == found


def test_what_the_application_wrote_to_sqlite_afterwards_is_found(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    connection = apsw.Connection(str(source))
    connection.execute("UPDATE users SET name = 'new' WHERE id = 5; INSERT INTO empty VALUES (char(30, 31))")
    connection.close()
    found = differences(verify(opskit, source, database))
    assert found == {"users": ["changed: id=5 (name)"], "empty": [r"missing in target: x=\x1e\x1f"]}


@pytest.mark.parametrize(
    "value", ["0", "'0'", "x'30'", "char(0)", "'a' || char(0)", "CAST(x'ff' AS TEXT)", "1e300"]
)
def test_a_value_that_postgresql_cannot_hold_there_is_a_difference(
    opskit: Opskit, source: Path, database: TestDatabase, value: str
) -> None:
    """NULL in PostgreSQL is not zero, not an empty text, and not a text that only holds a NUL."""
    query(database, "INSERT INTO empty VALUES (NULL)")
    connection = apsw.Connection(str(source))
    connection.execute(f"INSERT INTO empty VALUES ({value})")
    connection.close()
    assert differences(verify(opskit, source, database, "digest")).keys() == {"empty"}


def test_a_thousand_differences_are_cut_and_told(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    query(database, "UPDATE users SET name = 'x' WHERE id < 1000")
    result = verify(opskit, source, database)
    assert len(differences(result)["users"]) == 100
    assert "there are more differences" in opskit("verify", source, database.url).stdout


def faults(result: Result) -> list[str]:
    assert result.code == 3
    (one,) = result.document["result"]["databases"]
    return [f"{fault['object']} {fault['message']}" for fault in one["faults"]]


@pytest.mark.parametrize("level", ["counts", "digest", "rows"])
@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DROP TABLE lines", "table lines is missing in the target"),
        ("ALTER TABLE users DROP COLUMN born", "column born of table users is missing in the target"),
        (
            "ALTER TABLE lines DROP CONSTRAINT lines_pkey",
            "table lines has no primary key (a, b)",
        ),
    ],
)
def test_what_is_missing_in_the_schema(
    opskit: Opskit, source: Path, database: TestDatabase, statement: str, *, fault: str, level: str
) -> None:
    query(database, statement)
    assert faults(verify(opskit, source, database, level)) == [fault]


def test_a_table_that_only_the_target_has_is_a_note(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    query(database, "CREATE TABLE theirs (a int)")
    result = verify(opskit, source, database)
    assert result.code == 0
    assert result.document["warnings"] == ["app: table theirs is only in the target"]


def test_an_extra_column_in_the_target_is_no_difference(
    opskit: Opskit, source: Path, database: TestDatabase
) -> None:
    query(database, "ALTER TABLE users ADD seen timestamptz DEFAULT now()")
    assert verify(opskit, source, database).code == 0


@pytest.mark.parametrize(
    ("before", "kind"),
    [("1.50", "numeric"), ("1.5", "numeric(10,3)"), ("1.50", "double precision"), ("1.5", "real")],
)
def test_the_same_number_in_another_type_is_no_difference(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, before: str, kind: str
) -> None:
    source = make_sqlite(tmp_path / "n.db", f"CREATE TABLE n (v REAL); INSERT INTO n VALUES ({before})")
    query(database, f"CREATE TABLE n (v {kind}); INSERT INTO n VALUES (1.500)")
    assert verify(opskit, source, database).code == 0
    query(database, "UPDATE n SET v = 1.75")
    assert verify(opskit, source, database).code == 3


def test_both_sides_are_read_only(opskit: Opskit, source: Path, database: TestDatabase) -> None:
    query(database, f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    source.chmod(0o400)
    assert verify(opskit, source, database).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("/nowhere/app.db", "dbname=x"), 6, "sqlite_missing"),
        (("{source}", "host=127.0.0.1 port=1 dbname=x"), 1, "target_unreachable"),
        (("{source}",), 2, "usage"),
        (("{source}", "nonsense"), 2, "target_malformed"),
    ],
)
def test_what_cannot_be_compared_is_named(
    opskit: Opskit, source: Path, arguments: Any, code: int, error: str
) -> None:
    given = [argument.format(source=source) for argument in arguments]
    result = opskit("verify", *given, "-o", "json")
    assert (result.code, result.error["code"]) == (code, error)
