"""What of a row is written when it has changed, and what another row may keep from being written yet."""

import apsw
import pytest

from opskit.capture.counterpart import counterparts
from opskit.capture.rewriting import Rewriting
from opskit.schema.matching import match
from opskit.schema.names import map_names
from opskit.schema.sqlite_file import Value, rows
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.target_schema import PgColumn, PgKey, PgTable, TargetSchema

TYPES = {
    "k": "text",
    "id": "bigint",
    "n": "bigint",
    "name": "text",
    "any": "text",
}


class File:
    """A table `t` in a file, and how its rows are written."""

    def __init__(self, *script: str, key: str) -> None:
        self.connection = apsw.Connection(":memory:")
        for statement in script:
            rows(self.connection, statement)
        schema = read_schema(self.connection)
        columns = tuple(PgColumn(one.name, TYPES[one.name]) for one in schema.table("t").columns)
        target = TargetSchema(
            "public", {"t": PgTable("t", columns=columns, primary_key=PgKey("t_pkey", (key,), primary=True))}
        )
        matching = match(schema, target, map_names(schema))
        (self.table,) = counterparts(matching, target, {}, {})
        assert self.table.key
        self.rewriting = Rewriting(self.connection, self.table)

    def store(self, line: str) -> bool:
        return self.rewriting.store(line.encode())[1]

    def rows(self, columns: str = "*") -> list[tuple[Value, ...]]:
        return rows(self.connection, f"SELECT {columns} FROM t ORDER BY 1")


def test_a_row_that_is_new_is_stored_and_one_that_is_gone_removed() -> None:
    file = File("CREATE TABLE t (k TEXT PRIMARY KEY, n INTEGER)", "INSERT INTO t VALUES ('a', 1)", key="k")
    assert file.store("b\t2")
    file.rewriting.remove([("a",), ("never there",)])
    assert file.rows() == [("b", 2)]


def test_a_row_that_changed_keeps_its_number() -> None:
    file = File(
        "CREATE TABLE t (k TEXT PRIMARY KEY, n INTEGER, name TEXT)",
        "INSERT INTO t VALUES ('x', 0, ''), ('a', 1, 'one'), ('z', 9, '')",
        key="k",
    )
    before = file.rows("k, rowid")
    assert file.store("a\t2\t\\N")
    assert file.rows("k, n, name")[0] == ("a", 2, None)
    assert file.rows("k, rowid") == before


def test_a_row_that_is_the_same_is_not_written() -> None:
    file = File(
        "CREATE TABLE t (k TEXT PRIMARY KEY, n INTEGER, name TEXT)",
        "INSERT INTO t VALUES ('a', 1, NULL)",
        key="k",
    )
    before = file.connection.total_changes()
    assert file.store("a\t1\t\\N")
    assert file.connection.total_changes() == before


@pytest.mark.parametrize(
    ("declared", "stored", "line", "found"),
    [
        ("TEXT COLLATE NOCASE", "'Ada'", "ada", "ada"),
        ("", "1.0", "1", "1"),
        ("", "x'61'", "a", "a"),
    ],
)
def test_what_is_equal_but_not_the_same_is_written(
    declared: str, stored: str, line: str, found: Value
) -> None:
    file = File(
        f'CREATE TABLE t (id INTEGER PRIMARY KEY, "any" {declared})',
        f"INSERT INTO t VALUES (1, {stored})",
        key="id",
    )
    assert file.store(f"1\t{line}")
    assert file.rows() == [(1, found)]
    assert rows(file.connection, 'SELECT typeof("any") FROM t') == [("text",)]


def test_a_key_is_found_in_its_own_spelling_only() -> None:
    file = File(
        "CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE, n INTEGER)",
        "INSERT INTO t VALUES ('ABC', 1)",
        key="k",
    )
    assert not file.store("abc\t1")
    file.rewriting.remove([("ABC",)])
    assert file.store("abc\t1")
    file.rewriting.remove([("Abc",)])
    assert file.rows() == [("abc", 1)]


@pytest.mark.parametrize(
    "unique",
    [
        "CREATE UNIQUE INDEX u ON t (name)",
        "CREATE UNIQUE INDEX u ON t (lower(name))",
        "CREATE UNIQUE INDEX u ON t (n) WHERE name = 'taken'",
    ],
)
def test_what_another_row_still_holds_is_stored_when_that_has_changed(unique: str) -> None:
    file = File(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, name TEXT)",
        unique,
        "INSERT INTO t VALUES (1, 5, 'taken'), (2, 5, 'free')",
        key="id",
    )
    assert not file.store("2\t5\ttaken")
    assert file.rows() == [(1, 5, "taken")], "no row has the key until it can be stored"
    assert file.store("1\t6\tfree")
    assert file.store("2\t5\ttaken")
    assert file.rows() == [(1, 6, "free"), (2, 5, "taken")]


def test_clauses_of_the_table_do_not_let_a_row_take_the_place_of_another() -> None:
    file = File(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL ON CONFLICT IGNORE,"
        " name TEXT UNIQUE ON CONFLICT REPLACE)",
        "INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b')",
        key="id",
    )
    assert not file.store("3\t3\ta")
    assert file.rows() == [(1, 1, "a"), (2, 2, "b")]
    with pytest.raises(apsw.ConstraintError):
        file.store("1\t\\N\ta")


def test_rows_with_one_key_become_one() -> None:
    file = File("CREATE TABLE t (id INTEGER, n INTEGER)", "INSERT INTO t VALUES (1, 1), (1, 2)", key="id")
    assert file.store("1\t3")
    assert file.rows() == [(1, 3)]
