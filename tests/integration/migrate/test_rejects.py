"""A row that its table cannot hold is kept beside it, whole: it can be looked at and restored."""

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.integration.migrate.kills import begun, kill_when, left_behind
from tests.support import Opskit, Result, make_sqlite, query


def migrated(opskit: Opskit, source: Path, database: TestDatabase, *options: str) -> Result:
    result = opskit("migrate", source, database.url, "-o", "json", *options)
    assert result.code == 0, result
    return result


def rejects(database: TestDatabase, table: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is kept beside a table: key → reason and row."""
    found = query(database, f'SELECT key, reason, "row" FROM {table}')
    return {key: (reason, row) for key, reason, row in found}


@pytest.mark.parametrize("place", ["00 61 62", "61 00 62", "61 62 00", "00"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_a_nul_anywhere_in_any_encoding(
    opskit: Opskit, tmp_path: Path, database: TestDatabase, place: str, encoding: str
) -> None:
    text = bytes.fromhex(place).decode()
    source = make_sqlite(
        tmp_path / "nul.db",
        f"PRAGMA encoding = '{encoding}'; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)",
        ("INSERT INTO t VALUES (?, ?, ?)", [(1, "fine", "ü"), (2, text, "ü 🐘"), (3, None, "")]),
    )
    migrated(opskit, source, database)
    assert query(database, "SELECT id FROM t ORDER BY id") == [(1,), (3,)]
    row = {"id": 2, "a": {"hex": text.encode().hex()}, "b": "ü 🐘"}
    assert rejects(database, "t_rejects") == {"id=2": ("column a: the text holds a NUL character", row)}
    assert opskit("verify", source, database.url).code == 0


def test_half_of_a_surrogate_pair_in_a_utf16_database(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(
        tmp_path / "wide.db",
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);"
        "INSERT INTO t VALUES (1, 'fine'), (2, CAST(x'3dd8' AS TEXT)), (3, CAST(x'61003ddc6200' AS TEXT))",
    )
    migrated(opskit, source, database)
    arrived = {number for (number,) in query(database, "SELECT id FROM t")}
    kept = {row["id"] for _, row in rejects(database, "t_rejects").values()}
    assert (arrived, kept) == ({1}, {2, 3})


KEYS = """
CREATE TABLE composite (a TEXT, b INTEGER, v TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
CREATE TABLE keyless (a TEXT, v TEXT);
CREATE TABLE "a ""quoted"" name" ("the ""key"" here" TEXT PRIMARY KEY, "a value" TEXT);
CREATE TABLE computed (id INTEGER PRIMARY KEY, v TEXT, twice TEXT AS (v || v) STORED, n AS (id * 2));
INSERT INTO composite VALUES ('x', 1, 'fine'), ('y', 2, CAST(x'ff' AS TEXT)), (CAST(x'ff' AS TEXT), 3, '');
INSERT INTO keyless VALUES ('x', 'fine'), ('y', CAST(x'ff' AS TEXT)), ('y', CAST(x'ff' AS TEXT));
INSERT INTO "a ""quoted"" name" VALUES ('x', 'fine'), ('y', CAST(x'ff' AS TEXT));
INSERT INTO computed (id, v) VALUES (1, 'fine'), (2, CAST(x'ff' AS TEXT));
"""


def test_rows_are_named_by_their_key_or_by_all_values(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    source = make_sqlite(tmp_path / "keys.db", KEYS)
    result = migrated(opskit, source, database)
    assert set(rejects(database, "composite_rejects")) == {"b=2, a=y", "b=3, a=x'ff'"}
    assert set(rejects(database, "keyless_rejects")) == {"a=y, v=x'ff'"}
    assert query(database, "SELECT count(*) FROM keyless_rejects") == [(2,)]
    assert set(rejects(database, '"a ""quoted"" name_rejects"')) == {'the "key" here=y'}
    (_, row) = rejects(database, "computed_rejects")["id=2"]
    assert row == {"id": 2, "v": {"hex": "ff"}}
    assert query(database, "SELECT * FROM computed") == [(1, "fine", "finefine", 2)]
    assert result.document["result"]["rejected"] == 6
    assert opskit("verify", source, database.url).code == 0


def test_a_row_of_every_kind_of_value_can_be_restored(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    numbers = (1, 2**63 - 1, -(2**63), 1.5, 5e-324, float("inf"), float("-inf"))
    values = (*numbers, b"\0\xff", b"", "ü\\\t\n\"'{}", None)
    declared = (
        "id INTEGER PRIMARY KEY, b INT, c INT, d REAL, e REAL, f REAL, g REAL, h BLOB, i BLOB, j TEXT, k"
    )
    source = make_sqlite(
        tmp_path / "all.db",
        f"CREATE TABLE t ({declared}, bad TEXT)",
        (f"INSERT INTO t VALUES ({', '.join('?' * len(values))}, CAST(x'c328' AS TEXT))", [values]),
    )
    migrated(opskit, source, database)
    ((reason, row),) = rejects(database, "t_rejects").values()
    assert reason == "column bad: the text is not valid UTF-8 at byte 0"
    assert list(row.values()).count(None) == 1
    assert (row["b"], row["c"], row["d"], row["e"]) == values[1:5]
    assert (float(row["f"]), float(row["g"])) == values[5:7]
    assert [bytes.fromhex(row[name]["hex"]) for name in ("h", "i", "bad")] == [b"\0\xff", b"", b"\xc3("]
    assert row["j"] == values[9]
    query(database, RESTORE)
    assert query(database, "SELECT id, b, c, d, f, g, h, j, bad FROM t") == [
        (1, 2**63 - 1, -(2**63), 1.5, float("inf"), float("-inf"), b"\0\xff", values[9], "c328")
    ]


RESTORE = """
INSERT INTO t (id, b, c, d, f, g, h, j, bad)
SELECT whole.id, whole.b, whole.c, whole.d, whole.f, whole.g,
       decode("row" #>> '{h,hex}', 'hex'), whole.j, "row" #>> '{bad,hex}'
FROM t_rejects, jsonb_populate_record(NULL::t, "row" - 'h' - 'i') AS whole
"""
"""As docs/migrate.md shows it: what PostgreSQL could not hold is put in as the operator decides."""


@pytest.mark.parametrize("columns", [12, 1200])
def test_a_row_of_many_columns(opskit: Opskit, tmp_path: Path, database: TestDatabase, columns: int) -> None:
    names = [f"c{number}" for number in range(columns)]
    source = make_sqlite(
        tmp_path / "wide.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(f'{name} TEXT' for name in names)});",
        (
            f"INSERT INTO t VALUES (?, {', '.join('?' * columns)})",
            [(1, *["x"] * columns), (2, *["x"] * (columns - 1), "a\0")],
        ),
    )
    migrated(opskit, source, database)
    ((reason, row),) = rejects(database, "t_rejects").values()
    assert reason == f"column c{columns - 1}: the text holds a NUL character"
    assert row == {"id": 2} | dict.fromkeys(names, "x") | {names[-1]: {"hex": "6100"}}
    assert query(database, "SELECT id FROM t") == [(1,)]


@pytest.fixture
def configured(tmp_path: Path, database: TestDatabase, postgresql: PrivateCluster) -> Path:
    """A directory with a database of which three rows do not fit what the operator wants."""
    make_sqlite(
        tmp_path / "app.db",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, number INTEGER, at TEXT, tags TEXT);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
        " INSERT INTO orders SELECT i, 1000 + i, '2025-08-14', '[' || i || ']' FROM n;"
        "UPDATE orders SET number = 'none' WHERE id = 7; UPDATE orders SET at = 'soon' WHERE id = 20000;"
        "UPDATE orders SET tags = '[1', at = '2025-13-01' WHERE id = 30000;"
        "CREATE TABLE parts (id INTEGER PRIMARY KEY, o INTEGER REFERENCES orders, body TEXT);"
        "INSERT INTO parts VALUES (1, 1, 'a'), (2, 7, 'b');"
        "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)"
        " INSERT INTO parts SELECT i, 1, hex(zeroblob(150)) FROM n;"
        "UPDATE parts SET body = CAST(x'00' AS TEXT) WHERE id % 40000 = 0",
    )
    file = tmp_path / "opskit.yaml"
    server = f"{{host: {postgresql.socket_directory}, port: {postgresql.port}, user: postgres}}"
    file.write_text(
        f"databases: {{app: {{sqlite: app.db, postgresql: {database.name}}}}}\npostgresql: {server}\n"
        "migrate: {overrides: {app: {orders.number: integer, orders.at: date, orders.tags: jsonb}}}\n"
    )
    return tmp_path


KEPT = {
    "id=7": "column number: the value does not fit integer",
    "id=20000": "column at: the value does not fit date",
    "id=30000": "column at: the value does not fit date; column tags: the value does not fit jsonb",
}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_three_of_many_do_not_fit_what_the_operator_wants(
    opskit: Opskit, configured: Path, database: TestDatabase, jobs: str
) -> None:
    result = opskit("migrate", "--jobs", jobs, "-o", "json", cwd=configured)
    assert result.code == 0, result
    check(result, database)
    assert opskit("verify", cwd=configured).code == 0


def check(result: Result, database: TestDatabase) -> None:
    kept = rejects(database, "orders_rejects")
    assert {key: reason for key, (reason, _) in kept.items()} == KEPT
    assert kept["id=30000"][1] == {"id": 30000, "number": 31000, "at": "2025-13-01", "tags": "[1"}
    assert query(database, "SELECT count(*), max(number) FROM orders") == [(29997, 30999)]
    assert set(rejects(database, "parts_rejects")) == {"id=40000", "id=80000", "id=120000"}
    report = result.document["result"]
    assert (report["rejected"], report["rows"]) == (6, 29997 + 119997)
    (told,) = [one for one in result.document["warnings"] if "went to table orders_rejects" in one]
    assert all(f"{key}: {reason}" in told for key, reason in KEPT.items())
    assert any("NOT VALID" in one and "(o)=(7)" in one for one in result.document["warnings"])


@pytest.mark.parametrize("moment", ["keep the rows that", "verify every row of"])
def test_killed_and_resumed(opskit: Opskit, configured: Path, database: TestDatabase, moment: str) -> None:
    has_come = begun(opskit, moment)
    assert kill_when(opskit.start("migrate", "--jobs", "2", cwd=configured), has_come)
    result = opskit("migrate", "--resume", "-o", "json", cwd=configured)
    assert result.code == 0, result
    assert any("goes on with run" in one for one in json.loads(result.stdout)["warnings"])
    check(result, database)
    assert left_behind(opskit, database, backups=1) == []


def test_the_rejects_go_to_the_schema_of_their_table(
    opskit: Opskit, tmp_path: Path, database: TestDatabase
) -> None:
    script = "CREATE TABLE T (a TEXT); INSERT INTO T VALUES (CAST(x'00' AS TEXT))"
    source = make_sqlite(tmp_path / "t.db", script)
    migrated(opskit, source, database, "--schema", "shop", "--fold")
    found = query(database, "SELECT reason FROM shop.t_rejects")
    assert found == [("column a: the text holds a NUL character",)]
