"""Whole views give the same columns and rows on both engines."""

import re
from pathlib import Path

import pytest

from tests.integration.translation.engines import Engines, alike

_FILE = Path(__file__).with_name("views.sql").read_text(encoding="utf-8")
QUERIES: dict[str, str] = dict(re.findall(r"^-- (.+)\n((?:[^-\n].*\n)+)", _FILE, re.MULTILINE))


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_view_gives_the_same_rows_on_both_engines(engines: Engines, query: str) -> None:
    assert engines.views(f"CREATE VIEW v AS {query}") == ""
    (view,) = engines.schema().views
    assert engines.columns(view) == list(view.columns)
    left, right = engines.rows("v")
    if "LIMIT" not in query:
        left, right = sorted(left, key=repr), sorted(right, key=repr)
    assert alike(tuple(left), tuple(right)), f"{left} is not {right}"


def test_views_may_use_views_in_any_order_of_creation(engines: Engines) -> None:
    problem = engines.views(
        "CREATE VIEW outer_view AS SELECT day, per_day * 2 AS twice, share / 2 AS half FROM middle_view",
        "CREATE VIEW middle_view AS SELECT day, count(*) per_day, avg(i) share FROM inner_view GROUP BY day",
        "CREATE VIEW inner_view(day, i) AS SELECT date(at), i FROM item WHERE at IS NOT NULL",
    )
    assert problem == ""
    left, right = engines.rows("outer_view")
    assert alike(tuple(sorted(left)), tuple(sorted(right)))


def test_dates_are_utc_whatever_the_session_says(engines: Engines) -> None:
    assert engines.views("CREATE VIEW v AS SELECT id, datetime(at) AS t, date(at) AS d FROM item") == ""
    _, right = engines.rows("v")
    engines.postgresql.execute("SET LOCAL TIME ZONE 'Pacific/Auckland'")
    engines.postgresql.execute("SET LOCAL DateStyle TO 'German'")
    assert engines.rows("v")[1] == right


def test_items_of_json_are_texts_spelt_as_sqlite_spells_them(engines: Engines) -> None:
    engines.views(
        "CREATE VIEW v AS SELECT id, json_extract(j, '$.a.b[0]') x, json_extract(j, '$.t') t FROM item"
    )
    left, right = engines.rows("v")
    texts = [tuple(None if one is None else str(one) for one in row[1:]) for row in sorted(left)]
    assert [row[1:] for row in sorted(right)] == texts
