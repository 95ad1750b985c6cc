"""Expressions nobody thought of: what is translated and runs gives the same on both engines."""

import random

import apsw
import psycopg
import pytest

from opskit.schema.model import View
from opskit.schema.names import map_names
from opskit.schema.sqlite_file import rows
from opskit.schema.translation import Translation, translate_view
from tests.integration.translation.engines import TYPES, Engines, alike

COLUMNS = ["i", "k", "r", "n", "s", "w", "nc", "b", "at", '"on"', "iso", "j", "id"]
LITERALS = [
    "0",
    "1",
    "-3",
    "2.5",
    "'5'",
    "'Ann'",
    "''",
    "'2024-03-01'",
    "'2024-02-29 23:59:59'",
    "NULL",
    "TRUE",
]
FORMS = """
({} = {})
({} <> {})
({} < {})
({} >= {})
({} IS {})
({} IS NOT {})
({} + {})
({} - {})
({} * {})
({} / {})
({} % {})
({} || {})
({} AND {})
({} OR {})
(NOT {})
({} IN ({}, {}))
({} BETWEEN {} AND {})
(CASE WHEN {} THEN {} ELSE {} END)
(CASE {} WHEN {} THEN {} END)
({} LIKE 'a%')
CAST({} AS INTEGER)
CAST({} AS TEXT)
CAST({} AS REAL)
abs({})
length({})
lower({})
typeof({})
coalesce({}, {})
nullif({}, {})
min({}, {})
max({}, {})
round({}, 1)
date({})
julianday({})
strftime('%Y', {})
strftime('%s', {})
substr({}, -2, 1)
trim({})
instr({}, {})
iif({}, {}, {})
""".strip().splitlines()
AGGREGATES = ["sum({})", "avg({})", "min({})", "max({})", "total({})", "count(DISTINCT {})", "sum({}) / 2"]


def expression(chance: random.Random, depth: int) -> str:
    """A random expression of at most that depth."""
    if depth == 0 or chance.random() < 0.15:
        return chance.choice([*COLUMNS, *COLUMNS, *LITERALS])
    form = chance.choice(FORMS)
    return form.format(*(expression(chance, depth - 1) for _ in range(form.count("{}"))))


def compared(engines: Engines, query: str) -> bool:
    """Whether the query was translated and ran; when it did, its rows must be the same."""
    schema = engines.schema()
    view = View("v", f"CREATE VIEW v AS {query}", ("g", "e"))
    found = translate_view(view, schema, TYPES, map_names(schema))
    if not isinstance(found, Translation):
        return False
    try:
        left = rows(engines.sqlite, query)
        with engines.postgresql.transaction():
            right = engines.values(found.sql)
    except (apsw.Error, psycopg.DataError):  # an error is loud; another value would not be
        return False
    assert all(alike(*pair) for pair in zip(left, right, strict=True)), f"{query}: {left} is not {right}"
    return True


@pytest.mark.parametrize("seed", range(5))
def test_random_expressions_give_the_same_on_both_engines(engines: Engines, seed: int) -> None:
    chance = random.Random(seed)
    queries = [f"SELECT id AS g, {expression(chance, 2)} AS e FROM item ORDER BY id" for _ in range(150)]
    assert sum(compared(engines, query) for query in queries) > len(queries) / 3


@pytest.mark.parametrize("seed", range(5))
def test_random_aggregates_give_the_same_on_both_engines(engines: Engines, seed: int) -> None:
    chance = random.Random(seed)
    terms = [chance.choice(AGGREGATES).format(expression(chance, 2)) for _ in range(100)]
    queries = [f"SELECT b AS g, {term} AS e FROM item GROUP BY b ORDER BY b" for term in terms]
    assert sum(compared(engines, query) for query in queries) > len(queries) / 4
