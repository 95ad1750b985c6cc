import string

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.adapters.dialect import _tokens, parse
from opskit.config import Engine
from opskit.errors import QueryFailed


def pg(sql: str) -> str:
    return parse(sql, Engine.POSTGRESQL).text


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT ?, ?", "SELECT $1, $2"),
        ("SELECT ?2, ?1, ?2", "SELECT $1, $2, $1"),
        ("SELECT ?2, ?", "SELECT $1, $2"),
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1"),
        ("SELECT ?;", "SELECT $1"),
        ("SELECT ?; -- done", "SELECT $1 -- done"),
    ],
)
def test_placeholders_are_numbered(sql: str, expected: str) -> None:
    assert pg(sql) == expected
    assert parse(sql, Engine.SQLITE).text == expected.replace("$", "?")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'what? :a', 'it''s ?'",
        'SELECT "a?b :c", "say ""?"""',
        "SELECT 1 -- ? :a",
        "SELECT /* ? :a */ 1",
        "SELECT /* a /* nested */ ? */ 1",
        "SELECT $$ ? :a $$, $tag$ ? $$ :a $tag$",
        r"SELECT E'it\'s ? :a', e'\\'",
        "SELECT 5 % 3, '100%', 'a%sb'",
        "SELECT a::int, b::numeric(10,2)::text",
        "SELECT f(x := 1)",
        "SELECT 'unfinished ? :a",
        "SELECT $$ unfinished ?",
        "SELECT /* unfinished ?",
    ],
)
def test_what_is_no_placeholder_is_left_alone(sql: str) -> None:
    assert pg(sql) == sql
    assert parse(sql, Engine.POSTGRESQL).slots == ()


@pytest.mark.parametrize("sql", ["SELECT `a?b :c`", "SELECT [a?b :c]", "SELECT 'a?', \"b?\" -- ?"])
def test_sqlites_own_quotes_are_left_alone_on_sqlite(sql: str) -> None:
    assert parse(sql, Engine.SQLITE).text == sql


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a ? 'k' FROM t", "SELECT a ? 'k' FROM t"),
        ("SELECT a ? ? FROM t", "SELECT a ? $1 FROM t"),
        ("SELECT a ? :k, a ?| :ks", "SELECT a ? $1, a ?| $2"),
        ("SELECT a ?| array['x', ?]", "SELECT a ?| array['x', $1]"),
        ("SELECT a ?& ?", "SELECT a ?& $1"),
        ("SELECT a?'k'", "SELECT a?'k'"),
        ("SELECT t.a ? k FROM t", "SELECT t.a ? k FROM t"),
        ('SELECT "a" ? (SELECT k)', 'SELECT "a" ? (SELECT k)'),
        ("SELECT (a -> 'b') ? 'k'", "SELECT (a -> 'b') ? 'k'"),
        ("SELECT a[1] ? 'k'", "SELECT a[1] ? 'k'"),
        ("SELECT ? ? ?", "SELECT $1 ? $2"),
        ("SELECT ?::jsonb ? ?::text", "SELECT $1::jsonb ? $2::text"),
        ("SELECT '{}'::jsonb ?| ?", "SELECT '{}'::jsonb ?| $1"),
        ("SELECT CASE WHEN a ? 'k' THEN ? ELSE ? END", "SELECT CASE WHEN a ? 'k' THEN $1 ELSE $2 END"),
        ("SELECT 1 WHERE NOT a ? 'k' AND ? = 1", "SELECT 1 WHERE NOT a ? 'k' AND $1 = 1"),
        ("SELECT a OPERATOR(pg_catalog.?) 'k'", "SELECT a OPERATOR(pg_catalog.?) 'k'"),
        ("SELECT a /* c */ ? -- c\n 'k'", "SELECT a /* c */ ? -- c\n 'k'"),
    ],
)
def test_jsonb_operators_stand_between_two_operands(sql: str, expected: str) -> None:
    assert pg(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ? x",
        "SELECT ? || 'a'",
        "SELECT ?||'a', -?, a || ?",
        "SELECT DISTINCT ? x, ? AS y",
        "INSERT INTO t VALUES (?, ?), (?, ?)",
        "UPDATE t SET a = ?, b = ? WHERE c = ? RETURNING ?",
        "SELECT 1 WHERE a = ? AND b IN (?, ?) OR c LIKE ? ESCAPE ?",
        "SELECT 1 WHERE a BETWEEN ? AND ? ORDER BY ? LIMIT ? OFFSET ?",
        "SELECT 1 WHERE a BETWEEN ?||'x' AND ?||'y'",
        "SELECT 1 FROM t JOIN u ON t.a = ? LEFT JOIN v ON ? = 1",
        "SELECT a AT TIME ZONE ? FROM t",
        "SELECT a FROM t FETCH FIRST ? ROWS ONLY",
        "SELECT sum(a) OVER (ROWS ? PRECEDING) FROM t",
        "SELECT CASE ? WHEN ? THEN ? ELSE ? END",
        "SELECT substring(a FROM ? FOR ?), cast(? AS int), coalesce(?, ?)",
        "SELECT ARRAY[?, ?], a[?], a[?:?]",
        "SELECT a IS DISTINCT FROM ? , a = ANY (?)",
        "SELECT a - ?, a <@ ?, a -> ? ->> ?, a @> ?::jsonb",
        "SELECT ?::text::int, ?::jsonb @> '{}'",
    ],
)
def test_question_marks_elsewhere_are_placeholders(sql: str) -> None:
    assert "?" not in pg(sql)
    assert len(parse(sql, Engine.POSTGRESQL).slots) == sql.count("?")


@pytest.mark.parametrize(
    ("sql", "expected", "slots"),
    [
        ("SELECT a[1:n]", "SELECT a[1:n]", ()),
        ("SELECT a[lo:hi]", "SELECT a[lo:hi]", ()),
        ("SELECT a[:n]", "SELECT a[$1]", ("n",)),
        ("SELECT a[:lo : :hi]", "SELECT a[$1 : $2]", ("lo", "hi")),
        ("SELECT a[f(:x):n]", "SELECT a[f($1):n]", ("x",)),
        ("SELECT a[1:n], :n", "SELECT a[1:n], $1", ("n",)),
    ],
)
def test_array_slices_keep_their_colons(sql: str, expected: str, slots: tuple[str, ...]) -> None:
    query = parse(sql, Engine.POSTGRESQL)
    assert (query.text, query.slots) == (expected, slots)


@pytest.mark.parametrize(
    ("sql", "verb", "writes", "target"),
    [
        ("SELECT 1", "SELECT", False, ()),
        ("  /* x */ insert INTO t VALUES (1)", "INSERT", True, ("t",)),
        ('INSERT OR REPLACE INTO main."odd ""one" VALUES (1)', "INSERT", True, ("main", '"odd ""one"')),
        ("REPLACE INTO t VALUES (1)", "REPLACE", True, ("t",)),
        ("INSERT INTO t VALUES (1) RETURNING id", "INSERT", True, ()),
        ("INSERT INTO t VALUES (1); SELECT 1", "INSERT", True, ()),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "WITH", False, ()),
        ("WITH a AS (SELECT 1) DELETE FROM t", "WITH", True, ()),
        ("CREATE TABLE t (a)", "CREATE", True, ()),
        ("", "", False, ()),
        ("-- nothing", "", False, ()),
    ],
)
def test_what_a_statement_does_is_told(sql: str, verb: str, writes: bool, target: tuple[str, ...]) -> None:
    query = parse(sql, Engine.SQLITE)
    assert (query.verb, query.writes, query.inserts_into) == (verb, writes, target)


def test_several_statements_are_told_from_one() -> None:
    assert not parse("SELECT ';';", Engine.SQLITE).several
    assert parse("SELECT 1; SELECT 2", Engine.SQLITE).several


def test_values_are_bound_in_the_order_of_the_parameters() -> None:
    assert parse("SELECT ?3, ?1, ?3", Engine.SQLITE).bind(["a", "b", "c"]) == ["c", "a"]
    assert parse("SELECT :b, :a, :b", Engine.SQLITE).bind({"a": 1, "b": 2, "c": 3}) == [2, 1]


def test_named_and_positional_placeholders_do_not_mix() -> None:
    query = parse("SELECT ?, :a", Engine.SQLITE)
    with pytest.raises(QueryFailed):
        query.bind([1])
    with pytest.raises(QueryFailed):
        query.bind({"a": 1})


@given(st.text(st.sampled_from(string.printable + "ü€")))
def test_no_text_is_lost_or_breaks_the_tokenizer(sql: str) -> None:
    for engine in Engine:
        assert "".join(token.text for token in _tokens(sql, engine)) == sql


def joined(noise: list[str], engine: Engine) -> st.SearchStrategy[tuple[str, str]]:
    """Select lists of noise and placeholders, and what they must become."""
    prefix = "$" if engine is Engine.POSTGRESQL else "?"

    def build(parts: list[str]) -> tuple[str, str]:
        numbers = iter(range(1, len(parts) + 1))
        expected = [
            part.replace("@@", f"{prefix}{next(numbers)}") if "@@" in part else part for part in parts
        ]
        return (
            "SELECT " + ", ".join(part.replace("@@", "?") for part in parts),
            "SELECT " + ", ".join(expected),
        )

    placeholders = ["@@", "@@ || 'x'", "-@@", "(@@)", "CASE WHEN @@ IS NULL THEN 1 END", "a LIKE @@"]
    return st.lists(st.sampled_from(noise + placeholders), min_size=1, max_size=12).map(build)


POSTGRESQL_NOISE = [
    *("'? :a'", "'it''s ?'", '"c?"', "$$ ? $$", "$x$ ? $$ $x$", r"E'\'?'", "1 /* ? /* ? */ */", "2 -- ?\n"),
    *("j ? 'k'", "j ?| array['?']", "j ?& k", "a[1:n]", "b::text", "5 % 2", "j ? @@", "@@::jsonb ? 'k'"),
]
SQLITE_NOISE = ["'? :a'", "'it''s ?'", '"c?"', "`d?`", "[e?]", "1 /* ? */", "2 -- ?\n", "5 % 2"]


@given(joined(POSTGRESQL_NOISE, Engine.POSTGRESQL))
def test_any_mixture_is_translated_for_postgresql(pair: tuple[str, str]) -> None:
    assert pg(pair[0]) == pair[1]


@given(joined(SQLITE_NOISE, Engine.SQLITE))
def test_any_mixture_has_as_many_parameters_as_sqlite_itself_counts(pair: tuple[str, str]) -> None:
    query = parse(pair[0], Engine.SQLITE)
    assert query.text == pair[1]
    connection = apsw.Connection(":memory:")
    connection.execute('CREATE TABLE t (a, "c?", "d?", "e?")')
    cursor = connection.cursor()
    cursor.execute(f"{query.text} FROM t", [None] * len(query.slots))
    connection.close()
