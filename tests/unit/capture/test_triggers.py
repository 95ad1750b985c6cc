"""Whatever a writer does, the notes hold the address of every row that is not what it was."""

from collections.abc import Iterator, Mapping

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opskit.capture.triggers import NOTHING, Watched, installed, removed, triggers, watched, whole
from opskit.schema.names import quote
from opskit.schema.own import CHANGES, WATCH
from opskit.schema.sqlite_file import Value, rows
from opskit.schema.sqlite_reader import read_schema

Address = tuple[Value, ...]
Content = Mapping[tuple[int, Address], list[tuple[Value, ...]]]
"""Number of a table and address → the rows there: many may have an address with a NULL."""

SCRIPT = """
CREATE TABLE numbered (id INTEGER PRIMARY KEY, a, b TEXT UNIQUE, c);
CREATE TABLE named (id TEXT NOT NULL PRIMARY KEY, a, b INTEGER, c, UNIQUE (a, b));
CREATE TABLE nullable (id TEXT PRIMARY KEY, a, b, c UNIQUE);
CREATE TABLE folded (id TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, a, b COLLATE NOCASE UNIQUE, c);
CREATE TABLE whole (id, a TEXT, b, c UNIQUE, PRIMARY KEY (id, a)) WITHOUT ROWID;
CREATE TABLE keyless (id, a, b, c);
CREATE UNIQUE INDEX some ON keyless (id, a) WHERE b > 1;
CREATE TABLE computed (id INTEGER PRIMARY KEY, a, b TEXT, c, d AS (a || 'x') UNIQUE);
CREATE UNIQUE INDEX expressed ON computed (lower(b), c + 1);
CREATE TABLE filled (id INTEGER PRIMARY KEY, a NOT NULL DEFAULT 1 UNIQUE, b TEXT DEFAULT 'z' NOT NULL, c);
CREATE UNIQUE INDEX by_text ON filled (upper(b));
CREATE TABLE loose (id REAL NOT NULL PRIMARY KEY, a, b, c);
CREATE TABLE child (id INTEGER PRIMARY KEY, a REFERENCES numbered (id) ON DELETE CASCADE ON UPDATE CASCADE,
                    b TEXT REFERENCES named (id) ON DELETE SET NULL,
                    c REFERENCES child (id) ON DELETE CASCADE);
CREATE TRIGGER touched AFTER UPDATE ON numbered WHEN NEW.c IS NOT 'touched'
BEGIN UPDATE numbered SET c = 'touched' WHERE id = NEW.id; END;
CREATE TRIGGER copied AFTER INSERT ON named BEGIN REPLACE INTO keyless VALUES (NEW.id, NEW.a, 2, NEW.c); END;
"""

TABLES = (
    "numbered",
    "named",
    "nullable",
    "folded",
    "whole",
    "keyless",
    "computed",
    "filled",
    "loose",
    "child",
)

values = st.sampled_from([None, 0, 1, 2, 1.0, 2.5, "1", "a", "A", "b", b"1"])
likely = st.sampled_from([1, 2, "a", "A"]) | values
columns = st.sampled_from(["id", "a", "b", "c"])
PARENTS = {"child": "numbered", "keyless": "named"}
either = st.sampled_from(["", "OR REPLACE ", "OR IGNORE "])


@st.composite
def statements(draw: st.DrawFn, about: str) -> tuple[str, tuple[Value, ...]]:
    """One statement of a writer, most likely on that table."""
    table = draw(st.sampled_from([about] * 4 + [PARENTS.get(about, about)] + list(TABLES[:2])))
    first, second = draw(columns), draw(columns)
    kind = draw(st.sampled_from(["insert"] * 4 + ["update"] * 4 + ["delete", "upsert"]))
    some = tuple(draw(likely) for _ in range(4))
    names = ", ".join(["id", "a", "b", "c"])
    if kind == "insert":
        return f"INSERT {draw(either)}INTO {table} ({names}) VALUES (?, ?, ?, ?)", some
    if kind == "update":
        return f"UPDATE {draw(either)}{table} SET {first} = ? WHERE {second} IS ?", some[:2]
    if kind == "delete":
        return f"DELETE FROM {table} WHERE {first} IS ?", some[:1]
    clause = f"ON CONFLICT DO UPDATE SET {first} = excluded.{second}"
    return f"INSERT INTO {table} ({names}) VALUES (?, ?, ?, ?) {clause}", some


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = opened()
    yield connection
    connection.close()


def opened(*, recursive: bool = False, foreign_keys: bool = True) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    rows(connection, f"PRAGMA recursive_triggers = {recursive:d}; PRAGMA foreign_keys = {foreign_keys:d}")
    rows(connection, SCRIPT)
    return connection


def watch(connection: apsw.Connection) -> tuple[Watched, ...]:
    tables = watched(read_schema(connection).tables)
    for statement in installed(tables, first=1):
        rows(connection, statement)
    return tables


def attempt(connection: apsw.Connection, statement: str, parameters: tuple[Value, ...]) -> None:
    try:
        rows(connection, statement, parameters)
    except apsw.ConstraintError:
        pass  # refused, as it would be for the writer
    except apsw.MismatchError:
        pass  # no integer for a rowid


def contents(connection: apsw.Connection, tables: tuple[Watched, ...]) -> Content:
    found: dict[tuple[int, Address], list[tuple[Value, ...]]] = {}
    for one in tables:
        address = ", ".join(map(quote, one.address))
        for row in rows(connection, f"SELECT {address}, * FROM {quote(one.table.name)}"):
            place = row[: len(one.address)]
            found.setdefault((one.number, told(place)), []).append(told(row))
    return found


def told(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """With the classes, which Python does not tell apart: 1 equals 1.0."""
    return tuple(part for value in values for part in (type(value).__name__, value))


def noted_whole(connection: apsw.Connection) -> set[int]:
    """Tables of which any row may have changed."""
    found = rows(connection, f"SELECT relation FROM {CHANGES} WHERE relation < {NOTHING}")
    return {whole(number) for (number,) in found if isinstance(number, int)}


def noted(connection: apsw.Connection, tables: tuple[Watched, ...]) -> set[tuple[int, Address]]:
    return {
        (one.number, told(row[: len(one.address)]))
        for one in tables
        for row in rows(connection, f"SELECT k0, k1 FROM {CHANGES} WHERE relation = {one.number}")
    }


def changed(before: Content, after: Content) -> set[tuple[int, Address]]:
    return {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=60)
@given(data=st.data(), recursive=st.booleans(), foreign_keys=st.booleans())
def test_every_row_that_changes_is_noted(
    table: str, data: st.DataObject, recursive: bool, foreign_keys: bool
) -> None:
    before = data.draw(st.lists(statements(table), min_size=8, max_size=25))
    after = data.draw(st.lists(statements(table), min_size=1, max_size=5))
    connection = opened(recursive=recursive, foreign_keys=foreign_keys)
    for statement, parameters in before:
        attempt(connection, statement, parameters)
    tables = watch(connection)
    held = contents(connection, tables)
    for statement, parameters in after:
        attempt(connection, statement, parameters)
    missed = changed(held, contents(connection, tables)) - noted(connection, tables)
    any_row = noted_whole(connection)
    connection.close()
    assert not {place for place in missed if place[0] not in any_row}


@pytest.mark.parametrize(
    ("first", "second", "gone"),
    [
        (
            "INSERT INTO numbered (id, b) VALUES (1, 'x')",
            "REPLACE INTO numbered (id, b) VALUES (2, 'x')",
            (0, 1),
        ),
        ("INSERT INTO filled (id) VALUES (1)", "REPLACE INTO filled (id, a) VALUES (2, NULL)", (7, 1)),
        ("INSERT INTO folded (id) VALUES ('a')", "REPLACE INTO folded (id) VALUES ('A')", (3, "a")),
        ("INSERT INTO nullable (id) VALUES ('a')", "REPLACE INTO nullable (id) VALUES ('a')", (2, "a")),
        (
            "INSERT INTO nullable (c) VALUES ('x')",
            "REPLACE INTO nullable VALUES ('a', 1, 1, 'x')",
            (-4, None),
        ),
        ("INSERT INTO whole VALUES (1, 'a', 1, 1)", "REPLACE INTO whole VALUES (1.0, 'a', 1, 1)", (4, 1)),
        ("INSERT INTO keyless VALUES (1, 1, 2, 1)", "REPLACE INTO keyless VALUES (1, 1, 3, 1)", (5, 1)),
        (
            "INSERT INTO computed (id, a) VALUES (1, 'a')",
            "REPLACE INTO computed (id, a) VALUES (2, 'a')",
            (6, 1),
        ),
        (
            "INSERT INTO computed (id, b, c) VALUES (1, 'a', 1)",
            "REPLACE INTO computed (id, b, c) VALUES (2, 'A', 1)",
            (6, 1),
        ),
        (
            "INSERT INTO computed (id, b, c) VALUES (1, 'a', 1), (2, 'b', 1)",
            "UPDATE OR REPLACE computed SET b = 'A' WHERE id = 2",
            (6, 1),
        ),
        (
            "INSERT INTO keyless VALUES (1, 1, 2, 1), (1, 1, 0, 2)",
            "UPDATE OR REPLACE keyless SET b = 5 WHERE c = 2",
            (5, 1),
        ),
        (
            "INSERT INTO numbered (id, b) VALUES (1, 'x'), (2, 'y')",
            "UPDATE OR REPLACE numbered SET b = 'x' WHERE id = 2",
            (0, 1),
        ),
        (
            "INSERT INTO numbered (id) VALUES (1); INSERT INTO child (id, a) VALUES (5, 1)",
            "REPLACE INTO numbered (id) VALUES (1)",
            (9, 5),
        ),
    ],
)
def test_a_row_that_gives_way_to_another_is_noted(
    connection: apsw.Connection, first: str, second: str, gone: tuple[int, Value]
) -> None:
    rows(connection, first)
    watch(connection)
    rows(connection, second)
    assert gone in rows(connection, f"SELECT relation, k0 FROM {CHANGES}")


@given(data=st.data(), table=st.sampled_from(TABLES))
def test_a_watched_writer_finds_what_it_would_find_unwatched(data: st.DataObject, table: str) -> None:
    before = data.draw(st.lists(statements(table), max_size=25))
    after = data.draw(st.lists(statements(table), max_size=10))
    alone, beside = opened(), opened()
    for statement, parameters in before:
        attempt(alone, statement, parameters)
        attempt(beside, statement, parameters)
    tables = watch(beside)
    for statement, parameters in after:
        attempt(alone, statement, parameters)
        attempt(beside, statement, parameters)
    assert contents(alone, tables) == contents(beside, tables)
    alone.close()
    beside.close()


def test_what_is_rolled_back_is_not_noted(connection: apsw.Connection) -> None:
    watch(connection)
    rows(connection, "BEGIN; INSERT INTO numbered (a) VALUES (1); ROLLBACK")
    assert rows(connection, f"SELECT * FROM {CHANGES} WHERE relation >= 0") == []


def test_an_ordinary_insert_costs_one_note(connection: apsw.Connection) -> None:
    watch(connection)
    rows(connection, "INSERT INTO numbered (id, b) VALUES (7, 'seven')")
    assert rows(connection, f"SELECT relation, k0, k1 FROM {CHANGES} WHERE relation >= 0") == [(0, 7, None)]


def test_a_unique_index_is_used_to_find_rivals(connection: apsw.Connection) -> None:
    watch(connection)
    plans = rows(connection, "EXPLAIN QUERY PLAN REPLACE INTO computed (id, a, b, c) VALUES (1, 1, 'b', 1)")
    plans += rows(connection, "EXPLAIN QUERY PLAN REPLACE INTO keyless VALUES (1, 1, 2, 1)")
    scanned = [row[3] for row in plans if str(row[3]).startswith("SCAN") and "CONSTANT" not in str(row[3])]
    assert scanned == []


def test_nothing_is_left_when_the_watch_ends(connection: apsw.Connection) -> None:
    before = rows(connection, "SELECT type, name, sql FROM sqlite_schema")
    tables = watch(connection)
    rows(connection, "DROP TABLE keyless")
    names = [
        str(name) for (name,) in rows(connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    ]
    for statement in removed(names, table=True):
        rows(connection, statement)
    left = rows(connection, "SELECT type, name, sql FROM sqlite_schema")
    assert left == [row for row in before if row[1] not in {"keyless", "some"}]
    assert {name for name in names if name.startswith(WATCH)} == {
        name for one in tables if one.table.name != "keyless" for name in triggers(one)
    }


def test_rows_without_a_key_are_told_to_be_numbered_anew_by_vacuum(connection: apsw.Connection) -> None:
    unstable = {one.table.name for one in watch(connection) if not one.stable}
    assert unstable == {"keyless"}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("INSERT INTO nullable (id, c) VALUES ('b', 2)", {(2, "b")}),
        ("UPDATE nullable SET a = 5 WHERE id = 'a'", {(2, "a")}),
        ("UPDATE nullable SET a = 5 WHERE id IS NULL", {(-4, None)}),
        ("UPDATE nullable SET id = NULL WHERE id = 'a'", {(2, "a"), (-4, None)}),
        ("DELETE FROM nullable WHERE id IS NULL", {(-4, None)}),
    ],
)
def test_a_row_without_a_value_for_its_key_stands_for_all_rows(
    connection: apsw.Connection, statement: str, found: set[tuple[Value, ...]]
) -> None:
    rows(connection, "INSERT INTO nullable (id, c) VALUES (NULL, 0), ('a', 1)")
    watch(connection)
    rows(connection, statement)
    notes = rows(connection, f"SELECT relation, k0 FROM {CHANGES} WHERE relation <> {NOTHING}")
    assert set(notes) == found
