"""What the declaration of a full-text table means, in every spelling that SQLite accepts."""

import pytest

from opskit.schema.full_text import FullText, read_full_text
from opskit.schema.model import Schema, View, VirtualTable
from opskit.schema.virtual_ddl import Argument, read_virtual
from opskit.schema.virtual_tables import as_table, as_view, extents


def virtual(arguments: str, *columns: str, module: str = "fts5") -> VirtualTable:
    return VirtualTable("t", module, f"CREATE VIRTUAL TABLE t USING {module}({arguments})", columns)


def declared(arguments: str, *columns: str, module: str = "fts5") -> FullText:
    found = read_full_text(virtual(arguments, *columns, module=module))
    assert found is not None
    return found


def test_a_declaration_is_a_module_and_its_arguments() -> None:
    text = read_virtual("""create virtual table "a (b)" using "FTS5" (x, [y, z] unindexed, prefix = '2 3')""")
    assert text.module == "fts5"
    assert text.arguments == (
        Argument("x"),
        Argument("y, z", ("unindexed",)),
        Argument("prefix", ("2 3",), option=True),
    )


def test_a_module_may_stand_without_arguments() -> None:
    assert read_virtual("CREATE VIRTUAL TABLE stat USING dbstat").arguments == ()


def test_columns_that_are_not_indexed_are_not_searched() -> None:
    assert declared('a, "b c" UNINDEXED, d', "a", "b c", "d").indexed == ("a", "d")
    assert declared("a, b, notindexed=B", "a", "b", module="fts4").indexed == ("a",)


@pytest.mark.parametrize(
    ("arguments", "content", "key"),
    [
        ("a", None, "rowid"),
        ("a, content=''", "", "rowid"),
        ('a, content="doc"', "doc", "rowid"),
        ("a, content = doc, content_rowid = id", "doc", "id"),
    ],
)
def test_the_text_is_its_own_or_elsewhere_or_nowhere(arguments: str, content: str | None, key: str) -> None:
    found = declared(arguments, "a")
    assert (found.content, found.content_rowid) == (content, key)


@pytest.mark.parametrize(
    ("module", "arguments", "stems", "accents", "trigrams"),
    [
        ("fts5", "a", False, False, False),
        ("fts5", "a, tokenize='porter'", True, False, False),
        ("fts5", "a, tokenize = 'porter ascii'", True, True, False),
        ("fts5", "a, tokenize=\"unicode61 remove_diacritics 0 tokenchars '-_'\"", False, True, False),
        ("fts5", "a, tokenize='trigram'", False, True, True),
        ("fts4", "a", False, True, False),
        ("fts4", "a, tokenize=porter", True, True, False),
        ("fts4", 'a, tokenize=unicode61 "remove_diacritics=2" "tokenchars=-"', False, False, False),
        ("fts3", "a TEXT NOT NULL, tokenize porter", True, True, False),
    ],
)
def test_the_tokenizer_tells_what_counts_as_the_same_word(
    module: str, arguments: str, stems: bool, accents: bool, trigrams: bool
) -> None:
    found = declared(arguments, "a", module=module)
    assert (found.stems, found.accents, found.trigrams) == (stems, accents, trigrams)


def test_characters_of_words_do_not_separate_and_others_may_be_added() -> None:
    separators = declared("a, tokenize=\"unicode61 tokenchars '-_' separators 'xz'\"", "a").separators
    assert "." in separators
    assert not {"-", "_"} & set(separators)
    assert {"x", "z"} < set(separators)


def test_what_sqlite_cannot_read_and_other_modules_are_no_full_text_tables() -> None:
    assert read_full_text(virtual("a, tokenize=mine")) is None
    assert read_full_text(virtual("id, x, y", "id", "x", "y", module="rtree")) is None


def test_own_text_is_a_table_whose_key_stands_behind_the_columns() -> None:
    table = as_table(virtual("a, b UNINDEXED", "a", "b"))
    assert table is not None
    assert [(one.name, one.declared) for one in table.columns] == [
        ("a", "TEXT"),
        ("b", ""),
        ("rowid", "INTEGER"),
    ]
    assert (table.primary_key, table.rowid_alias) == (("rowid",), "rowid")


def test_older_modules_call_the_key_docid_unless_a_column_is_called_so() -> None:
    tables = [
        as_table(virtual("a", "a", module="fts4")),
        as_table(virtual("docid, rowid", "docid", "rowid", module="fts4")),
    ]
    assert [table and table.rowid_alias for table in tables] == ["docid", "oid"]


def test_the_language_of_a_text_is_kept() -> None:
    table = as_table(virtual('a, languageid="lid"', "a", module="fts4"))
    assert table is not None
    assert [(one.name, one.hidden) for one in table.columns] == [("a", False), ("lid", True), ("docid", True)]


def test_text_elsewhere_is_a_view_without_a_key_that_nothing_names() -> None:
    source = virtual("a, content=doc", "a")
    assert as_table(source) is None
    assert as_view(source, Schema(())) == View("t", 'CREATE VIEW "t" AS SELECT "a" FROM "doc"', ("a",))


def test_an_rtree_is_a_table_of_extents_and_what_was_added_to_them() -> None:
    tree = virtual("id, x0, x1, y0, y1, +label TEXT", "id", "x0", "x1", "y0", "y1", "label", module="rtree")
    assert extents(tree) == (("x0", "x1"), ("y0", "y1"))
    table = as_table(tree)
    assert table is not None
    assert [one.expression for one in table.checks] == ['"x0" <= "x1"', '"y0" <= "y1"']
    assert [one.declared for one in table.columns] == ["INTEGER", *["REAL"] * 4, ""]
