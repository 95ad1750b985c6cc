"""Which views may return other rows for good reason."""

import pytest

from opskit.schema.model import Schema, View
from opskit.verify.views import may_differ


def views(**queries: str) -> Schema:
    return Schema(
        (), tuple(View(name, f"CREATE VIEW {name} AS {sql}", ("a",)) for name, sql in queries.items())
    )


@pytest.mark.parametrize(
    ("query", "may"),
    [
        ("SELECT a FROM t", False),
        ("SELECT a FROM t WHERE at > datetime('now', '-1 day')", True),
        ("SELECT CURRENT_TIMESTAMP", True),
        ("SELECT a FROM t ORDER BY random()", True),
        ("SELECT 'nowhere' FROM t", False),
        ('SELECT a FROM "Broken"', True),
    ],
)
def test_time_chance_and_incomplete_tables(query: str, *, may: bool) -> None:
    schema = views(v=query)
    assert may_differ(schema, schema.views[0], frozenset({"broken"})) is may


def test_what_is_true_of_a_view_is_true_of_views_over_it() -> None:
    schema = views(top="SELECT * FROM Middle", middle="SELECT * FROM base", base="SELECT random()")
    assert may_differ(schema, schema.views[0], frozenset())


def test_views_that_name_each_other_end() -> None:
    schema = views(a="SELECT * FROM b", b="SELECT * FROM a")
    assert not may_differ(schema, schema.views[0], frozenset())
