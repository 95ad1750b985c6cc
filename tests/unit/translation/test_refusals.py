"""What cannot be translated is refused with a sentence that says why."""

import pytest

from opskit.schema.model import Affinity, Column, Schema, Table, View
from opskit.schema.names import map_names
from opskit.schema.translation import Translation, Untranslatable, order_views, translate_view

ITEM = Table(
    "item",
    (
        Column("id", "INTEGER", Affinity.INTEGER),
        Column("i", "INTEGER", Affinity.INTEGER),
        Column("r", "REAL", Affinity.REAL),
        Column("s", "TEXT", Affinity.TEXT),
        Column("nc", "TEXT", Affinity.TEXT, collation="NOCASE"),
        Column("mixed", "INTEGER", Affinity.INTEGER),
        Column("at", "DATETIME", Affinity.NUMERIC),
        Column("doc", "JSON", Affinity.NUMERIC),
    ),
    primary_key=("id",),
)
TYPES = {
    "item": {
        "id": "bigint",
        "i": "bigint",
        "r": "double precision",
        "s": "text",
        "nc": "text",
        "mixed": "text",
        "at": "timestamp with time zone",
        "doc": "jsonb",
    }
}
REFUSED = {
    "SELECT name FROM sqlite_master": "catalogue",
    "SELECT name FROM pragma_table_info('item')": "not a table",
    "SELECT value FROM item, json_each(item.doc)": "not a table",
    "SELECT * FROM nowhere": "no table nowhere",
    "SELECT nothing FROM item": "no column nothing",
    "SELECT rowid FROM item": "rowid",
    "SELECT i, count(*) FROM item": "neither grouped nor aggregated",
    "SELECT s, max(i) FROM item": "neither grouped nor aggregated",
    "SELECT s, i FROM item GROUP BY s": "neither grouped nor aggregated",
    "SELECT nc, count(*) FROM item GROUP BY nc": "without regard to case",
    "SELECT DISTINCT nc FROM item": "without regard to case",
    "SELECT s FROM item ORDER BY s COLLATE german": "GERMAN",
    "SELECT s = 'x' COLLATE german FROM item": "GERMAN",
    "SELECT r || '' FROM item": "used as text",
    "SELECT at || '' FROM item": "used as text",
    "SELECT length(at) FROM item": "used as text",
    "SELECT at + 1 FROM item": "used as a number",
    "SELECT at = s FROM item": "compares a date",
    "SELECT i = s FROM item": "number with a text",
    "SELECT mixed > 5 FROM item": "numbers and which",
    "SELECT mixed + 5 FROM item": "used as a number",
    "SELECT max(mixed) FROM item": "orders",
    "SELECT doc = '{}' FROM item": "compares",
    "SELECT DISTINCT doc FROM item": "JSON",
    "SELECT json_type(doc) FROM item": "json_type",
    "SELECT json_valid(s) FROM item": "whether a text is JSON",
    "SELECT typeof(mixed) FROM item": "differs from row to row",
    "SELECT CASE WHEN i THEN 'x' ELSE 1 END FROM item": "one column would hold",
    "SELECT r % 2 FROM item": "remainder",
    "SELECT CASE WHEN i THEN r ELSE mixed END FROM item": "one column would hold",
    "SELECT s REGEXP 'x' FROM item": "not translated",
    "SELECT s GLOB s FROM item": "GLOB",
    "SELECT s MATCH 'x' FROM item": "not translated",
    "SELECT strftime('%J', at) FROM item": "%J",
    "SELECT date(at, 'utc') FROM item": "utc",
    "SELECT date(i) FROM item": "Julian day",
    "SELECT substr(s, 1, i) FROM item": "substr",
    "SELECT +s = 5 FROM item": "unary +",
    "SELECT i FROM item LIMIT (SELECT 1)": "LIMIT",
    "SELECT soundex(s) FROM item": "soundex",
    "SELECT i << 2 FROM item": "not translated",
    "SELECT i FROM item WHERE (i, s) = (1, 'a')": "not translated",
    "SELECT json_group_array(s) FROM item": "json_group_array",
}


def view(query: str, name: str = "v", columns: tuple[str, ...] = ("c",)) -> View:
    return View(name, f"CREATE VIEW {name} AS {query}", columns)


def translated(*views: View) -> Translation | Untranslatable:
    schema = Schema((ITEM,), views)
    return translate_view(views[0], schema, TYPES, map_names(schema))


@pytest.mark.parametrize(("query", "reason"), REFUSED.items())
def test_a_query_without_an_exact_counterpart_is_refused_with_its_reason(query: str, reason: str) -> None:
    columns = ("a", "b") if "SELECT i, count" in query or "SELECT s, " in query or "nc, " in query else ("c",)
    found = translated(view(query, columns=columns))
    assert isinstance(found, Untranslatable)
    assert reason in found.reason


def test_a_view_that_sqlite_cannot_run_is_refused() -> None:
    assert translated(view("SELECT 1", columns=())) == Untranslatable("SQLite itself cannot run it")


def test_a_view_over_a_refused_view_is_refused_and_names_it() -> None:
    found = translated(view("SELECT c FROM inner_one"), view("SELECT r || '' FROM item", "inner_one"))
    assert isinstance(found, Untranslatable)
    assert "inner_one" in found.reason


def test_views_that_use_each_other_are_refused() -> None:
    found = translated(view("SELECT c FROM w"), view("SELECT c FROM v", "w"))
    assert isinstance(found, Untranslatable)
    assert "uses itself" in found.reason


def test_sql_that_cannot_be_parsed_is_refused() -> None:
    assert translated(view("SELECT FROM WHERE (")) == Untranslatable("its SQL could not be parsed")


def test_views_come_behind_the_views_they_use() -> None:
    views = (view("SELECT c FROM b", "a"), view("SELECT c FROM c", "b"), view("SELECT 1", "c"))
    assert [one.name for one in order_views(Schema((ITEM,), views))] == ["c", "b", "a"]


def test_names_that_had_to_change_are_used_as_they_are_on_postgresql() -> None:
    table = Table("t" * 70, (Column("xmin", "INTEGER", Affinity.INTEGER),))
    schema = Schema((table,), (View("v", f"CREATE VIEW v AS SELECT XMIN FROM {'T' * 70}", ("xmin",)),))
    names = map_names(schema)
    found = translate_view(schema.views[0], schema, {"t" * 70: {"xmin": "bigint"}}, names)
    relation = names.relation("t" * 70)
    assert found == Translation(f'SELECT "{relation}"."xmin_" AS "xmin_" FROM "{relation}"')


def test_an_expression_nested_too_deeply_is_left_out() -> None:
    view = View("v", f"CREATE VIEW v AS SELECT {' || '.join(['a'] * 900)} AS a FROM t", ("a",))
    schema = Schema((Table("t", (Column("a", "TEXT", Affinity.TEXT),)),), (view,))
    found = translate_view(view, schema, {"t": {"a": "text"}}, map_names(schema))
    assert found == Untranslatable("it is nested too deeply")
