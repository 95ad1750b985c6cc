"""What a SQLite file declares is read from the file itself, whatever its authors wrote."""

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from opskit.errors import Refused
from opskit.schema.model import (
    Affinity,
    Check,
    ForeignKey,
    Generated,
    IndexTerm,
    Schema,
    Table,
)
from opskit.schema.sqlite_file import open_read_only
from opskit.schema.sqlite_reader import read_schema
from tests.support import make_sqlite

Read = Callable[[str], Schema]


@pytest.fixture
def read(sqlite_file: Path) -> Iterator[Read]:
    """The schema of a file made by a script."""
    opened: list[apsw.Connection] = []

    def read(script: str) -> Schema:
        opened.append(open_read_only(make_sqlite(sqlite_file, script)))
        return read_schema(opened[-1])

    yield read
    for connection in opened:
        connection.close()


def only(schema: Schema) -> Table:
    (table,) = schema.tables
    return table


def test_columns_with_type_default_collation_and_nullability(read: Read) -> None:
    table = only(
        read(
            "CREATE TABLE t (a INTEGER NOT NULL DEFAULT -1, b VARCHAR(20) COLLATE NOCASE,"
            " c, d DECIMAL(10, 2))"
        )
    )
    a, b, c, d = table.columns
    assert (a.name, a.declared, a.affinity, a.not_null, a.default) == (
        "a",
        "INTEGER",
        Affinity.INTEGER,
        True,
        "-1",
    )
    assert (b.declared, b.affinity, b.collation) == ("VARCHAR(20)", Affinity.TEXT, "NOCASE")
    assert (c.declared, c.affinity, c.collation) == ("", Affinity.BLOB, "BINARY")
    assert (d.declared, d.affinity) == ("DECIMAL(10, 2)", Affinity.NUMERIC)


def test_generated_columns_keep_their_expression_and_their_plain_type(read: Read) -> None:
    table = only(read("CREATE TABLE t (a INT, B INT GENERATED ALWAYS AS (a * 2) STORED, c AS (a || 'x'))"))
    _, b, c = table.columns
    assert (b.declared, b.generated, b.expression) == ("INT", Generated.STORED, "a * 2")
    assert (c.declared, c.generated, c.expression) == ("", Generated.VIRTUAL, "a || 'x'")


def test_strict_and_without_rowid_tables(read: Read) -> None:
    table = only(read("CREATE TABLE t (a INTEGER PRIMARY KEY, b ANY) STRICT, WITHOUT ROWID"))
    assert (table.strict, table.without_rowid) == (True, True)
    assert table.primary_key == ("a",)
    assert table.rowid_alias is None


def test_a_composite_key_is_in_key_order_not_in_column_order(read: Read) -> None:
    assert only(read("CREATE TABLE t (a, b, c, PRIMARY KEY (c, a))")).primary_key == ("c", "a")


@pytest.mark.parametrize(
    ("columns", "alias"),
    [
        ("id INTEGER PRIMARY KEY", "id"),
        ("Id integer primary key", "Id"),
        ("id INTEGER, PRIMARY KEY (id)", "id"),
        ("id INTEGER PRIMARY KEY DESC", None),
        ("id INT PRIMARY KEY", None),
        ("id BIGINT PRIMARY KEY", None),
        ("id INTEGER, x, PRIMARY KEY (id, x)", None),
        ("id INTEGER UNIQUE", None),
    ],
)
def test_only_an_integer_primary_key_generates_its_values(
    read: Read, columns: str, alias: str | None
) -> None:
    assert only(read(f"CREATE TABLE t ({columns})")).rowid_alias == alias


def test_autoincrement_remembers_the_highest_key_ever_given_out(read: Read) -> None:
    table = only(
        read(
            "CREATE TABLE T (id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
            "INSERT INTO t VALUES (1, 'a'), (41, 'b'); DELETE FROM t WHERE id = 41"
        )
    )
    assert (table.autoincrement, table.last_key) == (True, 41)


def test_without_autoincrement_the_highest_key_is_the_highest_there_is(read: Read) -> None:
    table = only(
        read(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v);"
            "INSERT INTO t VALUES (1, 'a'), (41, 'b'); DELETE FROM t WHERE id = 41"
        )
    )
    assert (table.autoincrement, table.last_key) == (False, 1)


def test_keys_below_zero_leave_the_generator_at_its_beginning(read: Read) -> None:
    assert only(read("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (-5)")).last_key == 0


def test_indexes_in_order_of_their_making(read: Read) -> None:
    table = only(
        read(
            "CREATE TABLE t (a, b COLLATE NOCASE, c, UNIQUE (a, c));"
            "CREATE INDEX plain ON t (a);"
            "CREATE UNIQUE INDEX down ON t (a DESC, b);"
            "CREATE INDEX expressed ON t (lower(a), c COLLATE RTRIM DESC);"
            "CREATE INDEX part ON t (c) WHERE c IS NOT NULL"
        )
    )
    unique, plain, down, expressed, part = table.indexes
    assert (unique.constraint, unique.unique) == (True, True)
    assert unique.terms == (IndexTerm("a"), IndexTerm("c"))
    assert (plain.name, plain.constraint, plain.terms) == ("plain", False, (IndexTerm("a"),))
    assert down.terms == (IndexTerm("a", descending=True), IndexTerm("b", collation="NOCASE"))
    assert expressed.terms == (
        IndexTerm(None, "lower(a)"),
        IndexTerm("c", descending=True, collation="RTRIM"),
    )
    assert part.predicate == "c IS NOT NULL"


def test_the_index_of_a_primary_key_is_not_an_index_of_its_own(read: Read) -> None:
    assert only(read("CREATE TABLE t (a TEXT PRIMARY KEY)")).indexes == ()


def test_foreign_keys_in_order_of_declaration_with_their_parents_key(read: Read) -> None:
    schema = read(
        "CREATE TABLE Parent (x, y, PRIMARY KEY (y, x));"
        "CREATE TABLE child (a REFERENCES parent2 DEFERRABLE INITIALLY DEFERRED, b,"
        " FOREIGN KEY (a, b) REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL,"
        " FOREIGN KEY (b) REFERENCES Parent (x));"
    )
    assert schema.table("CHILD").foreign_keys == (
        ForeignKey(("a",), "parent2", (), deferred=True),
        ForeignKey(("a", "b"), "parent", ("y", "x"), on_delete="CASCADE", on_update="SET NULL"),
        ForeignKey(("b",), "Parent", ("x",)),
    )


def test_checks_come_with_their_names(read: Read) -> None:
    table = only(read("CREATE TABLE t (a CHECK (a > 0), CONSTRAINT small CHECK (a < 9))"))
    assert table.checks == (Check("a > 0"), Check("a < 9", "small"))


def test_a_table_made_from_a_query(read: Read) -> None:
    schema = read("CREATE TABLE a (x INT, y TEXT); CREATE TABLE b AS SELECT x, y || '' AS z FROM a")
    assert [(column.name, column.declared) for column in schema.table("b").columns] == [
        ("x", "INT"),
        ("z", ""),
    ]


def test_the_collations_of_a_primary_key_are_those_of_its_index(read: Read) -> None:
    schema = read(
        "CREATE TABLE a (k TEXT COLLATE NOCASE PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY);"
        "CREATE TABLE c (x TEXT COLLATE RTRIM, y, PRIMARY KEY (y, x COLLATE NOCASE)) WITHOUT ROWID"
    )
    assert [table.key_collations for table in schema.tables] == [("NOCASE",), (), ("BINARY", "NOCASE")]


def test_columns_are_a_key_when_all_rows_differ_by_them(read: Read) -> None:
    table = only(
        read(
            "CREATE TABLE t (a, b, c UNIQUE, d, e, PRIMARY KEY (a, b)); CREATE UNIQUE INDEX i ON t (d, c);"
            "CREATE UNIQUE INDEX j ON t (e) WHERE e > 0; CREATE INDEX k ON t (b)"
        )
    )
    assert all(table.is_key(columns) for columns in (("a", "b"), ("B", "A"), ("c",), ("c", "d")))
    assert not any(table.is_key(columns) for columns in (("a",), ("a", "b", "c"), ("e",), ("b",), ()))


def test_virtual_tables_are_named_and_read_as_tables_without_their_shadows(read: Read) -> None:
    schema = read("CREATE TABLE docs_data (x); CREATE VIRTUAL TABLE docs2 USING fts5(body, prefix='2 3')")
    assert [table.name for table in schema.tables] == ["docs_data", "docs2"]
    (virtual,) = schema.virtual_tables
    assert (virtual.name, virtual.module) == ("docs2", "fts5")


def test_a_virtual_table_whose_module_is_not_there(read: Read) -> None:
    schema = read(
        "CREATE TABLE t (a); PRAGMA writable_schema = ON;"
        "INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING spatial(x)')"
    )
    assert [table.name for table in schema.tables] == ["t"]
    assert [virtual.module for virtual in schema.virtual_tables] == ["spatial"]


def test_views_with_their_columns_and_broken_ones_without(read: Read) -> None:
    schema = read(
        "CREATE TABLE t (a, b); CREATE TABLE gone (x);"
        "CREATE VIEW good (p, q) AS SELECT a, b FROM t;"
        "CREATE VIEW broken AS SELECT * FROM gone;"
        "DROP TABLE gone"
    )
    assert [(view.name, view.columns) for view in schema.views] == [("good", ("p", "q")), ("broken", ())]


def test_triggers_are_named_with_their_table(read: Read) -> None:
    schema = read("CREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END")
    (trigger,) = schema.triggers
    assert (trigger.name, trigger.table) == ("g", "t")


def test_names_that_need_quotes(read: Read) -> None:
    schema = read(
        'CREATE TABLE "say ""hi"", it\'s; DROP" ("a b" INTEGER PRIMARY KEY, "c""d", [e(f], `references`);'
        'CREATE INDEX "x ""y" ON "say ""hi"", it\'s; DROP" ("c""d", `references`)'
    )
    table = only(schema)
    assert table.name == 'say "hi", it\'s; DROP'
    assert [column.name for column in table.columns] == ["a b", 'c"d', "e(f", "references"]
    assert table.last_key == 0
    assert table.indexes[0].terms == (IndexTerm('c"d'), IndexTerm("references"))


def test_names_that_begin_with_sqlite_are_not_all_sqlites_own(read: Read) -> None:
    assert [table.name for table in read("CREATE TABLE sqliteX (a); CREATE TABLE _sqlite_ (a)").tables] == [
        "sqliteX",
        "_sqlite_",
    ]


def test_columns_dropped_and_renamed_later(read: Read) -> None:
    table = only(
        read(
            "CREATE TABLE t (a, b CHECK (b > 0), c);"
            'ALTER TABLE t RENAME COLUMN b TO "the b"; ALTER TABLE t DROP COLUMN a;'
            "ALTER TABLE t ADD d DEFAULT 1"
        )
    )
    assert [column.name for column in table.columns] == ["the b", "c", "d"]
    assert table.checks == (Check('"the b" > 0'),)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "sqlite_missing"),
        (b"no database at all, but long enough to be looked at" * 40, "sqlite_not_a_database"),
        (bytes(range(256)) * 16, "sqlite_not_a_database"),
    ],
)
def test_what_is_no_database_is_refused_by_name(sqlite_file: Path, content: bytes | None, code: str) -> None:
    if content is not None:
        sqlite_file.write_bytes(content)
    with pytest.raises(Refused) as caught:
        open_read_only(sqlite_file)
    (fault,) = caught.value.faults
    assert fault.code == code
    assert str(sqlite_file) in fault.message
    assert fault.hint


def test_a_file_opened_for_reading_cannot_be_written(sqlite_file: Path) -> None:
    connection = open_read_only(make_sqlite(sqlite_file, "CREATE TABLE t (a)"))
    try:
        with pytest.raises(apsw.ReadOnlyError):
            connection.execute("INSERT INTO t VALUES (1)")
    finally:
        connection.close()
