"""Checks, index terms and predicates, and generated columns mean the same on both engines."""

import psycopg
import pytest

from opskit.schema.model import Affinity, Check, Column, Generated
from opskit.schema.names import map_names
from opskit.schema.translation import (
    Translation,
    Untranslatable,
    translate_check,
    translate_generated,
    translate_index_expression,
    translate_predicate,
)
from tests.integration.translation.engines import TYPES, Engines, alike

CHECKS = """
i > 0
k IN (2, 3)
b IN (0, 1)
length(s) = 3
s LIKE 'a%'
s GLOB 'A*'
s <> ''
s != '' OR s IS NULL
"on" IS date("on")
iso IS date(iso)
typeof(s) = 'text'
n BETWEEN 0 AND 10
coalesce(i, 0) + ifnull(k, 0) > 3
nc = 'RED'
i
at >= '2024-01-01'
""".strip().splitlines()
TERMS = """
lower(s)
length(s)
substr(s, 1, 2)
ifnull(s, '')
date(at)
datetime(at, '+1 day')
strftime('%Y-%m', at)
date(iso)
json_extract(j, '$.a')
nc COLLATE NOCASE
nc COLLATE RTRIM
i * k
b
i IS NULL
CASE WHEN b THEN s END
""".strip().splitlines()


def _translate(engines: Engines, kind: str, sql: str) -> str:
    schema = engines.schema()
    table, names, types = schema.table("item"), map_names(schema), TYPES["item"]
    if kind == "check":
        found = translate_check(Check(sql), table, types, names)
    elif kind == "term":
        found = translate_index_expression(sql, table, types, names)
    else:
        found = translate_predicate(sql, table, types, names)
    assert isinstance(found, Translation), found
    return found.sql


@pytest.mark.parametrize("sql", CHECKS)
def test_a_check_holds_for_the_same_rows_and_can_be_a_predicate(engines: Engines, sql: str) -> None:
    left = engines.sqlite.execute(f"SELECT id FROM item WHERE NOT ({sql}) ORDER BY id").fetchall()
    condition = _translate(engines, "check", sql)
    found = engines.postgresql.execute(f"SELECT id FROM item WHERE NOT ({condition}) ORDER BY id".encode())
    assert found.fetchall() == left
    engines.postgresql.execute(
        f"CREATE INDEX ON item (id) WHERE {_translate(engines, 'where', sql)}".encode()
    )


@pytest.mark.parametrize("sql", TERMS)
def test_a_term_can_be_indexed_and_tells_the_same_rows_apart(engines: Engines, sql: str) -> None:
    term = _translate(engines, "term", sql)
    engines.postgresql.execute(f"CREATE INDEX ON item (({term}))".encode())
    left = engines.sqlite.execute(
        f"WITH t AS (SELECT id, {sql} AS e FROM item) "
        "SELECT a.id, b.id FROM t a JOIN t b ON a.e IS b.e ORDER BY 1, 2"
    )
    right = engines.postgresql.execute(
        f"WITH t AS (SELECT id, {term} AS e FROM item) "
        "SELECT a.id, b.id FROM t a JOIN t b ON a.e IS NOT DISTINCT FROM b.e ORDER BY 1, 2".encode()
    )
    assert right.fetchall() == left.fetchall()


def test_a_check_of_json_in_text_refuses_what_is_no_json(engines: Engines) -> None:
    condition = _translate(engines, "check", "json_valid(j) AND id > 0")
    engines.postgresql.execute(f"ALTER TABLE item ADD CHECK ({condition})".encode())
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        engines.postgresql.execute("INSERT INTO item (id, j) VALUES (50, 'no json')")


@pytest.mark.parametrize("sql", ["at > datetime('now')", "random() > 0", "at < CURRENT_TIMESTAMP"])
def test_an_index_that_would_change_with_time_is_refused(engines: Engines, sql: str) -> None:
    schema = engines.schema()
    found = translate_predicate(sql, schema.table("item"), TYPES["item"], map_names(schema))
    assert isinstance(found, Untranslatable)


GENERATED = {
    "n * k": ("REAL", Affinity.REAL, "double precision"),
    "i + k": ("INTEGER", Affinity.INTEGER, "bigint"),
    "upper(s) || '-' || id": ("TEXT", Affinity.TEXT, "text"),
    "i > k": ("BOOLEAN", Affinity.NUMERIC, "boolean"),
    "nc = 'RED'": ("BOOLEAN", Affinity.NUMERIC, "boolean"),
    "date(at)": ("DATE", Affinity.NUMERIC, "date"),
    "strftime('%Y', at)": ("INTEGER", Affinity.INTEGER, "bigint"),
    "n / 4.0": ("DECIMAL", Affinity.NUMERIC, "numeric"),
    "other + 1": ("INTEGER", Affinity.INTEGER, "bigint"),
    "datetime(iso)": ("DATETIME", Affinity.NUMERIC, "timestamp with time zone"),
}


@pytest.mark.parametrize("sql", GENERATED)
def test_a_generated_column_has_the_same_values(engines: Engines, sql: str) -> None:
    declared, affinity, pg_type = GENERATED[sql]
    engines.sqlite.execute("ALTER TABLE item ADD COLUMN other INTEGER AS (k * 2) VIRTUAL")
    engines.sqlite.execute(f"ALTER TABLE item ADD COLUMN g {declared} AS ({sql}) VIRTUAL")
    schema = engines.schema()
    column = Column("g", declared, affinity, generated=Generated.VIRTUAL, expression=sql)
    types = {**TYPES["item"], "g": pg_type, "other": "bigint"}
    found = translate_generated(column, schema.table("item"), types, map_names(schema))
    assert isinstance(found, Translation), found
    engines.postgresql.execute(
        f"ALTER TABLE item ADD COLUMN g {pg_type} GENERATED ALWAYS AS ({found.sql}) STORED".encode()
    )
    left = engines.sqlite.execute("SELECT id, g FROM item ORDER BY id").fetchall()
    right = engines.values("SELECT id, g FROM item ORDER BY id")
    assert [pair for pair in zip(left, right, strict=True) if not alike(*pair)] == []


def test_a_generated_column_whose_type_cannot_hold_it_is_refused(engines: Engines) -> None:
    schema = engines.schema()
    column = Column("g", "INTEGER", Affinity.INTEGER, generated=Generated.STORED, expression="r / 2")
    types = {**TYPES["item"], "g": "bigint"}
    found = translate_generated(column, schema.table("item"), types, map_names(schema))
    assert isinstance(found, Untranslatable)
