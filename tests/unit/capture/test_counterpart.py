"""Which tables belong together, and whether their changes can be taken from the log."""

import apsw
import pytest

from opskit.capture.counterpart import counterparts, new_columns, new_tables
from opskit.capture.habits import read_habits
from opskit.capture.restore import Habits
from opskit.capture.spelling import Form, Spelling
from opskit.schema.matching import Matching, match
from opskit.schema.names import map_names
from opskit.schema.sqlite_file import rows
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.target_schema import PgColumn, PgKey, PgTable, TargetSchema


def table(name: str, *columns: tuple[str, str], key: tuple[str, ...] = ()) -> PgTable:
    return PgTable(
        name,
        columns=tuple(PgColumn(*one) for one in columns),
        primary_key=PgKey(f"{name}_pkey", key, primary=True) if key else None,
    )


def matched(connection: apsw.Connection, *tables: PgTable) -> tuple[Matching, TargetSchema]:
    target = TargetSchema("public", {one.name: one for one in tables})
    source = read_schema(connection)
    return match(source, target, map_names(source)), target


@pytest.mark.parametrize(
    ("declared", "pg_type", "found"),
    [
        ("INTEGER", "bigint", True),
        ("TEXT", "text", True),
        ("VARCHAR(20)", "character varying(20)", True),
        ("TIMESTAMP", "timestamp with time zone", False),  # has several spellings
        ("TEXT", "uuid", False),
        ("", "text", False),  # may hold numbers, which are no texts to SQLite
        ("BOOLEAN", "boolean", False),
    ],
)
def test_keys_are_looked_up_when_they_have_one_spelling(declared: str, pg_type: str, found: bool) -> None:
    connection = apsw.Connection(":memory:")
    rows(connection, f"CREATE TABLE t (words TEXT, k {declared} PRIMARY KEY)")
    matching, target = matched(connection, table("t", ("words", "text"), ("k", pg_type), key=("k",)))
    (one,) = counterparts(matching, target, {}, {})
    assert [column.target for column in one.key] == (["k"] if found else [])


def test_columns_that_sqlite_computes_are_not_written() -> None:
    connection = apsw.Connection(":memory:")
    rows(connection, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER AS (a * 2) STORED)")
    matching, target = matched(connection, table("t", ("a", "bigint"), ("b", "bigint"), key=("a",)))
    (one,) = counterparts(matching, target, {}, {})
    assert [column.name for column in one.source.columns] == ["a"]


def test_what_only_postgresql_has_is_new_but_for_what_opskit_made() -> None:
    connection = apsw.Connection(":memory:")
    rows(connection, "CREATE TABLE t (a INTEGER PRIMARY KEY)")
    search = PgColumn("t_search", "tsvector", generated="to_tsvector('')")
    known = PgTable("t", columns=(PgColumn("a", "bigint"), PgColumn("b", "text"), search))
    rejects = table("t_rejects", ("key", "text"), ("reason", "text"), ("row", "jsonb"))
    matching, target = matched(connection, known, rejects, table("new", ("a", "bigint")))
    assert [one.name for one in new_tables(matching, target)] == ["new"]
    assert [column.source for _, column in new_columns(matching)] == ["b"]
    (one,) = counterparts(matching, target, {}, {})
    assert one.rejects == "t_rejects"


def test_habits_are_those_of_the_latest_values_of_the_default_and_of_the_others() -> None:
    connection = apsw.Connection(":memory:")
    rows(
        connection,
        """CREATE TABLE t (id INTEGER PRIMARY KEY, iso TIMESTAMP, ms INTEGER, token TEXT, never TIMESTAMP,
           made TIMESTAMP DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), asked TIMESTAMP);
           INSERT INTO t (iso, ms, token, made) VALUES
               ('2025-08-14', 1700000000000, '0f8fad5bd9cb469fa16570867728950e', NULL);
           WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
           INSERT INTO t (iso, made, ms) SELECT '2025-08-14T12:33:01Z', NULL, 1700000000000 + i FROM n;""",
    )
    moment = "timestamp with time zone"
    columns = [("id", "bigint"), *((one, moment) for one in ("iso", "ms", "never", "made", "asked"))]
    matching, _ = matched(connection, table("t", *columns, ("token", "uuid"), key=("id",)))
    written = read_habits(connection, matching, {"t.asked": f"{moment}(epoch)"})
    assert written.habits[("t", "iso")] == Habits(Spelling("T", 0, "Z"))
    assert written.habits[("t", "made")] == Habits(Spelling("T", 3, "Z"))
    assert written.habits[("t", "never")].spelling in {Spelling("T", 0, "Z"), Spelling("T", 3, "Z")}
    assert written.habits[("t", "token")].form is Form.HEX
    assert written.units == {("t", "ms"): f"{moment}(epoch_ms)", ("t", "asked"): f"{moment}(epoch)"}
