"""The parts of DDL text that no PRAGMA tells are found in any spelling that SQLite accepts."""

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.schema.model import Check
from opskit.schema.sqlite_ddl import read_index, read_table, tokens, unquote


def checks(columns: str) -> list[tuple[str, str | None]]:
    """The checks of a table, which SQLite itself accepts."""
    statement = f"CREATE TABLE t ({columns})"
    accepted(statement)
    return [(check.expression, check.name) for check in read_table(statement).checks]


def accepted(*statements: str) -> None:
    connection = apsw.Connection(":memory:")
    try:
        for statement in statements:
            connection.execute(statement).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("a", []),
        ("a CHECK (a > 0)", [("a > 0", None)]),
        ("a CHECK(a>0)CHECK(a<9)", [("a>0", None), ("a<9", None)]),
        ("a check (a IN ('x', 'y)', '(')), b", [("a IN ('x', 'y)', '(')", None)]),
        ("a CONSTRAINT positive CHECK (a > 0)", [("a > 0", "positive")]),
        ('a CONSTRAINT "is it?" CHECK (a > 0)', [("a > 0", "is it?")]),
        ("a, b, CONSTRAINT [a b] CHECK (a > b)", [("a > b", "a b")]),
        ("a, b, CONSTRAINT `c``d` CHECK ((a) > ((b)))", [("(a) > ((b))", "c`d")]),
        ("a NOT NULL CONSTRAINT u UNIQUE CHECK (a > 0)", [("a > 0", None)]),
        ("a DEFAULT 'CHECK (1)'", []),
        ("a DEFAULT ('it''s CHECK (1)')", []),
        ("a DEFAULT (1 + (2)) CHECK (a <> 3)", [("a <> 3", None)]),
        ('"CHECK" CHECK ("CHECK" > 0)', [('"CHECK" > 0', None)]),
        ("[check], `a,b)` CHECK (`a,b)` > 0)", [("`a,b)` > 0", None)]),
        ("'a' CHECK (a > 0)", [("a > 0", None)]),
        ("a -- CHECK (no)\n CHECK (a > 0 /* not ) here */)", [("a > 0 /* not ) here */", None)]),
        ("a /* , CHECK (no) */, b CHECK --x\n (b)", [("b", None)]),
        ("a DECIMAL(10,2) CHECK (a > 0), b", [("a > 0", None)]),
        ("ärger CHECK (ärger > 0)", [("ärger > 0", None)]),
        ("a CHECK (a GLOB '[A-Z]*' AND a LIKE '%\"%')", [("a GLOB '[A-Z]*' AND a LIKE '%\"%'", None)]),
        ("a CHECK (a <> x'28')", [("a <> x'28'", None)]),
        ("a CHECK (a > 1.5e-3 AND a < .5)", [("a > 1.5e-3 AND a < .5", None)]),
    ],
)
def test_checks_are_found_with_their_names(columns: str, found: list[tuple[str, str | None]]) -> None:
    assert checks(columns) == found


@pytest.mark.parametrize("name", ["t", '"a(b"', "[a(b]", "`a(b`", "'a(b'", "main.t", '"CHECK"'])
@pytest.mark.parametrize("before", ["", "/* (comment */ ", "-- (\n"])
def test_the_tables_own_name_may_look_like_anything(name: str, before: str) -> None:
    statement = f"CREATE TABLE {before}{name} (a CHECK (a > 0))"
    accepted(statement)
    assert read_table(statement).checks == (Check("a > 0"),)


def test_generated_expressions_are_found_by_column() -> None:
    statement = """CREATE TABLE t (
        a INT,
        b INT AS (a + 1),
        "C, d" TEXT GENERATED ALWAYS AS ('(' || a || ',') STORED CHECK (1),
        [as] INT DEFAULT 5,
        `e` AS (coalesce(a, (SELECT_me))) VIRTUAL,
        SELECT_me
    )"""
    accepted(statement)
    assert read_table(statement).generated == {
        "b": "a + 1",
        "c, d": "'(' || a || ','",
        "e": "coalesce(a, (SELECT_me))",
    }


@pytest.mark.parametrize(
    ("clause", "deferred"),
    [
        ("", False),
        ("DEFERRABLE", False),
        ("NOT DEFERRABLE", False),
        ("DEFERRABLE INITIALLY IMMEDIATE", False),
        ("NOT DEFERRABLE INITIALLY IMMEDIATE", False),
        ("NOT DEFERRABLE INITIALLY DEFERRED", False),
        ("DEFERRABLE INITIALLY DEFERRED", True),
        ("deferrable /* very */ initially -- so\n deferred", True),
        ("ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED", True),
        ("MATCH FULL DEFERRABLE INITIALLY DEFERRED NOT NULL", True),
    ],
)
def test_a_foreign_key_is_deferred_only_when_both_words_say_so(clause: str, deferred: bool) -> None:
    statement = f"CREATE TABLE t (a REFERENCES p(x) {clause}, b)"
    accepted(statement)
    assert read_table(statement).deferred == (deferred,)


def test_deferral_is_told_for_each_foreign_key_in_order() -> None:
    statement = """CREATE TABLE t (
        a REFERENCES p DEFERRABLE INITIALLY DEFERRED REFERENCES q,
        b DEFAULT 'REFERENCES p' REFERENCES p,
        CONSTRAINT k FOREIGN KEY (a, b) REFERENCES p (x, y) DEFERRABLE INITIALLY DEFERRED
    )"""
    accepted(statement)
    assert read_table(statement).deferred == (True, False, False, True)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("a PRIMARY KEY ON CONFLICT REPLACE, b", [("a PRIMARY KEY", "REPLACE")]),
        ("a INTEGER PRIMARY KEY ASC ON CONFLICT FAIL AUTOINCREMENT", [("a PRIMARY KEY ASC", "FAIL")]),
        ('"a b" NOT NULL ON CONFLICT ignore UNIQUE', [("a b NOT NULL", "IGNORE")]),
        ("a CONSTRAINT u UNIQUE ON /* so */ CONFLICT REPLACE", [("a CONSTRAINT u UNIQUE", "REPLACE")]),
        ("a, b, UNIQUE (a,\n b) ON CONFLICT ROLLBACK", [("UNIQUE (a, b)", "ROLLBACK")]),
        ("a, CONSTRAINT c CHECK (a > 0) ON CONFLICT IGNORE", [("CONSTRAINT c CHECK (a > 0)", "IGNORE")]),
        ("a UNIQUE ON CONFLICT ABORT, conflict TEXT DEFAULT 'ON CONFLICT IGNORE'", []),
        (
            "a NOT NULL ON CONFLICT FAIL UNIQUE ON CONFLICT IGNORE REFERENCES t ON DELETE CASCADE",
            [("a NOT NULL", "FAIL"), ("a UNIQUE", "IGNORE")],
        ),
    ],
)
def test_conflict_clauses_are_found_with_their_constraints(
    columns: str, found: list[tuple[str, str]]
) -> None:
    statement = f"CREATE TABLE t ({columns})"
    accepted(statement)
    assert [(one.constraint, one.resolution) for one in read_table(statement).conflicts] == found


def test_autoincrement_is_a_keyword_not_a_word_in_a_text() -> None:
    assert read_table("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)").autoincrement
    assert not read_table("CREATE TABLE t (a DEFAULT 'AUTOINCREMENT', \"autoincrement\")").autoincrement


@pytest.mark.parametrize(
    ("body", "terms", "predicate"),
    [
        ("(a)", ("a",), None),
        ("(a DESC, b ASC, [c d])", ("a", "b", "[c d]"), None),
        ("(a COLLATE NOCASE DESC, lower(b) COLLATE RTRIM)", ("a", "lower(b)"), None),
        ("(substr(a, 1, 2), (b || ','))", ("substr(a, 1, 2)", "(b || ',')"), None),
        ("(a) WHERE a > 0 AND b = 'WHERE'", ("a",), "a > 0 AND b = 'WHERE'"),
        ("(a) /* WHERE no */ where (b IS NOT NULL)", ("a",), "(b IS NOT NULL)"),
    ],
)
def test_the_terms_and_the_predicate_of_an_index(
    body: str, terms: tuple[str, ...], predicate: str | None
) -> None:
    for name in ("i", '"on"', "[i (on)]"):
        statement = f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON t{body}"
        accepted("CREATE TABLE t (a, b, [c d])", statement)
        found = read_index(statement)
        assert (found.terms, found.predicate) == (terms, predicate)


def test_a_comment_behind_a_predicate_is_not_part_of_it() -> None:
    assert read_index("CREATE INDEX i ON t (a) WHERE a > 0 -- only some\n").predicate == "a > 0"


@given(st.text())
def test_any_text_is_cut_into_tokens_that_lie_in_it(text: str) -> None:
    position = 0
    for token in tokens(text):
        assert position <= token.start < token.end <= len(text)
        assert text[token.start : token.end] == token.text
        position = token.end


@given(st.text().filter(lambda text: "\0" not in text))
def test_every_way_of_quoting_comes_off(name: str) -> None:
    for quote in "\"`'":
        assert unquote(f"{quote}{name.replace(quote, quote * 2)}{quote}") == name
