"""A large table is divided into parts that hold every row once."""

from collections.abc import Iterator

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.migrate.facts import Part
from opskit.migrate.parts import PART_COST, read_parts
from opskit.schema.model import Table
from opskit.schema.sqlite_file import rows, scalar
from opskit.schema.sqlite_reader import read_schema

FOUR_TO_A_PART = f"AS (zeroblob({PART_COST // 4}))"
"""A column that takes no room and looks large."""

NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
"""A table `n` of numbers."""

LOWEST, HIGHEST = -(2**63), 2**63 - 1


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    yield connection
    connection.close()


def parts_of(connection: apsw.Connection, script: str) -> tuple[Part, ...]:
    rows(connection, script)
    (table,) = read_schema(connection).tables
    return read_parts(connection, table, counted(connection, table))


def counted(connection: apsw.Connection, table: Table) -> int:
    return int(str(scalar(connection, f"SELECT count(*) FROM {table.name}")))


@given(st.sets(st.integers(LOWEST, HIGHEST) | st.integers(-5, 30), max_size=40))
def test_every_row_is_in_one_part_whatever_its_rowid(keys: set[int]) -> None:
    connection = apsw.Connection(":memory:")
    values = ", ".join(f"({key})" for key in keys)
    script = f"CREATE TABLE t (id INTEGER PRIMARY KEY, big {FOUR_TO_A_PART});"
    parts = parts_of(connection, f"{script} INSERT INTO t VALUES {values}" if keys else script)
    found = [
        sorted(key for key in keys if part.span is None or part.span.first <= key <= part.span.last)
        for part in parts
    ]
    connection.close()
    assert [key for part in found for key in part] == sorted(keys)
    assert [len(part) for part in found] == [part.rows for part in parts]


def test_parts_are_about_as_long_as_each_other(connection: apsw.Connection) -> None:
    script = f"CREATE TABLE t (id INTEGER PRIMARY KEY, big {FOUR_TO_A_PART});"
    parts = parts_of(connection, f"{script} {NUMBERS.format(21)} INSERT INTO t SELECT i * i FROM n")
    assert [part.rows for part in parts] == [4, 4, 4, 4, 4, 1]
    assert all(PART_COST // 5 < part.cost <= PART_COST * 1.1 for part in parts)


@pytest.mark.parametrize(
    ("columns", "rowid"),
    [
        ("a", "rowid"),
        ("RowId", "_rowid_"),
        ("rowid, _ROWID_", "oid"),
        ("rowid INTEGER PRIMARY KEY", "rowid"),
        ("rowid, _rowid_, oid INTEGER PRIMARY KEY", "oid"),
    ],
)
def test_rows_are_found_by_a_name_of_the_rowid_that_no_column_has(
    connection: apsw.Connection, columns: str, rowid: str
) -> None:
    script = f"CREATE TABLE t ({columns}, big {FOUR_TO_A_PART});"
    parts = parts_of(connection, f"{script} {NUMBERS.format(9)} INSERT INTO t (rowid) SELECT i FROM n")
    assert len(parts) == 3
    assert {part.span.rowid for part in parts if part.span} == {rowid}


@pytest.mark.parametrize(
    ("declaration", "count"),
    [
        (f"id INTEGER PRIMARY KEY, big {FOUR_TO_A_PART}) WITHOUT ROWID", 9),
        (f"oid, rowid, _rowid_, big {FOUR_TO_A_PART})", 9),
        ("a)", 9),
        (f"a, big {FOUR_TO_A_PART})", 1),
    ],
    ids=["without rowid", "all names taken", "small rows", "one row"],
)
def test_other_tables_are_one_part(connection: apsw.Connection, declaration: str, count: int) -> None:
    first = declaration.replace(",", " ").replace(")", " ").split(maxsplit=1)[0]
    insert = f"INSERT INTO t ({first}) SELECT i FROM n"
    (part,) = parts_of(connection, f"CREATE TABLE t ({declaration}; {NUMBERS.format(count)} {insert}")
    assert (part.rows, part.span) == (count, None)


def test_an_empty_table_is_one_part(connection: apsw.Connection) -> None:
    (part,) = parts_of(connection, f"CREATE TABLE t (a, big {FOUR_TO_A_PART})")
    assert (part.rows, part.span) == (0, None)
