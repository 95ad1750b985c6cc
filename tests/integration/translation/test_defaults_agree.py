"""DEFAULT gives the value that SQLite would store, in the column's type."""

import re
import time

import psycopg
import pytest

from opskit.schema.model import Affinity, Column
from opskit.schema.sqlite_file import scalar
from opskit.schema.translation import Translation, Untranslatable, translate_default
from tests.integration.translation.engines import Engines, in_sqlite_terms

Case = tuple[str, Affinity, str]


def cases(table: str) -> list[Case]:
    """Lines of a default, the affinity of its column, and the column's PostgreSQL type."""
    lines = [[cell.strip() for cell in line.split(" ; ")] for line in table.strip().splitlines()]
    return [(default, Affinity(affinity), pg_type) for default, affinity, pg_type in lines]


CONSTANT = cases(r"""
5 ; INTEGER ; bigint
-1 ; INTEGER ; bigint
+1 ; INTEGER ; bigint
0x10 ; INTEGER ; bigint
'7' ; INTEGER ; bigint
1+2 ; INTEGER ; bigint
abs(-5) ; INTEGER ; bigint
false ; INTEGER ; bigint
2.0 ; INTEGER ; bigint
null ; INTEGER ; bigint
0 ; NUMERIC ; boolean
1 ; NUMERIC ; boolean
TRUE ; NUMERIC ; boolean
FALSE ; NUMERIC ; boolean
'0' ; NUMERIC ; boolean
"1" ; NUMERIC ; boolean
0.00 ; NUMERIC ; numeric(10,2)
1.50 ; NUMERIC ; numeric
1e3 ; REAL ; double precision
.5 ; REAL ; double precision
0 ; REAL ; double precision
5 ; TEXT ; text
1.5 ; TEXT ; text
'' ; TEXT ; text
'it''s' ; TEXT ; text
"dq string" ; TEXT ; text
unquoted ; TEXT ; text
'a'||'b' ; TEXT ; text
upper('abc') ; TEXT ; text
'CURRENT_TIMESTAMP' ; TEXT ; text
'a\b' ; TEXT ; text
'null' ; TEXT ; text
NULL ; TEXT ; text
'[]' ; TEXT ; text
'x' ; TEXT ; character varying(10)
x'DEADBEEF' ; BLOB ; bytea
'1970-01-01 00:00:00' ; NUMERIC ; timestamp with time zone
'2024-02-29' ; NUMERIC ; date
date('2024-01-31', '+1 month') ; TEXT ; text
-9223372036854775808 ; INTEGER ; bigint
""")
CLOCK = cases(r"""
CURRENT_TIMESTAMP ; TEXT ; text
current_date ; TEXT ; text
CURRENT_TIME ; TEXT ; text
datetime('now') ; TEXT ; text
date('now') ; TEXT ; text
date('now', '+1 month') ; TEXT ; text
strftime('%Y-%m-%dT%H:%M:%SZ', 'now') ; TEXT ; text
strftime('%s', 'now') ; INTEGER ; bigint
unixepoch() ; INTEGER ; bigint
datetime('now') ; NUMERIC ; timestamp with time zone
date('now') ; NUMERIC ; date
CURRENT_TIMESTAMP ; NUMERIC ; timestamp with time zone
datetime('now', '+7 days') ; TEXT ; text
CURRENT_TIMESTAMP || ' UTC' ; TEXT ; text
julianday('now') ; REAL ; double precision
""")
SHAPE = cases(r"""
lower(hex(randomblob(16))) ; TEXT ; text
hex(randomblob(4)) ; TEXT ; text
random() ; INTEGER ; bigint
lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) ; TEXT ; text
randomblob(20) ; BLOB ; bytea
strftime('%Y-%m-%d %H:%M:%f', 'now') ; TEXT ; text
abs(random()) % 10 ; INTEGER ; bigint
strftime('%f', 'now') ; TEXT ; text
""")
REFUSED = cases(r"""
'' ; NUMERIC ; numeric
'abc' ; INTEGER ; bigint
2 ; NUMERIC ; boolean
'soon' ; NUMERIC ; timestamp with time zone
0 ; NUMERIC ; timestamp with time zone
datetime('now', 'utc') ; TEXT ; text
datetime('now') ; REAL ; double precision
CURRENT_DATE ; NUMERIC ; numeric(10,2)
julianday('now') ; TEXT ; text
datetime('now') ; NUMERIC ; date
'no json' ; NUMERIC ; jsonb
1.5 ; INTEGER ; bigint
40000 ; INTEGER ; smallint
9e999 ; INTEGER ; bigint
1.005 ; NUMERIC ; numeric(10,2)
1000 ; NUMERIC ; numeric(5,2)
char(0) ; TEXT ; text
CAST(x'ff' AS TEXT) ; TEXT ; text
""")
LOCAL = cases(r"""
datetime('now', 'localtime') ; TEXT ; text
datetime('now', 'localtime') ; NUMERIC ; timestamp with time zone
date('now', 'LocalTime', '-1 day') ; TEXT ; text
strftime('%Y-%m-%d %H', 'now', 'localtime', 'start of month') ; TEXT ; text
""")


def _stored(engines: Engines, default: str, affinity: Affinity) -> object:
    """What a row of SQLite gets by this default."""
    bare = default == "unquoted" or default.startswith('"')  # a string outside of parentheses only
    text = default if bare else f"({default})"
    engines.sqlite.execute(f"CREATE TABLE d (c {affinity.value} DEFAULT {text}, x)")
    engines.sqlite.execute("INSERT INTO d (x) VALUES (1)")
    return scalar(engines.sqlite, "SELECT c FROM d")


def _given(connection: psycopg.Connection, default: str, affinity: Affinity, pg_type: str) -> object:
    """What a row of PostgreSQL gets by its translation."""
    found = translate_default(Column("c", affinity.value, affinity, default=default), pg_type)
    assert isinstance(found, Translation), found
    connection.execute(f"CREATE TABLE d (c {pg_type} DEFAULT {found.sql}, x integer)".encode())
    row = connection.execute("INSERT INTO d (x) VALUES (1) RETURNING c").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("case", CONSTANT, ids=lambda case: case[0])
def test_a_constant_is_stored_as_sqlite_stores_it(engines: Engines, case: Case) -> None:
    default, affinity, pg_type = case
    right = in_sqlite_terms(_given(engines.postgresql, default, affinity, pg_type))
    left = _stored(engines, default, affinity)
    if pg_type.startswith("timestamp") and isinstance(left, str):
        left = left[:19]
    assert right == left
    assert isinstance(right, str) is isinstance(left, str)


@pytest.mark.parametrize("case", CLOCK, ids=lambda case: case[0])
def test_the_clock_reads_utc_in_sqlites_spelling(engines: Engines, case: Case) -> None:
    default, affinity, pg_type = case
    for _ in range(3):  # a second may end between the two readings
        left = _stored(engines, default, affinity)
        right = in_sqlite_terms(_given(engines.postgresql, default, affinity, pg_type))
        engines.sqlite.execute("DROP TABLE d")
        engines.postgresql.rollback()
        if left == right or (isinstance(left, float) and abs(left - float(str(right))) < 1e-4):
            return
    pytest.fail(f"{left!r} on SQLite, {right!r} on PostgreSQL")


@pytest.mark.parametrize("case", LOCAL, ids=lambda case: case[0])
def test_local_time_is_that_of_the_session_and_told(
    engines: Engines, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    default, affinity, pg_type = case
    found = translate_default(Column("c", affinity.value, affinity, default=default), pg_type)
    assert isinstance(found, Translation)
    assert "local time of the session" in found.told[0]
    with monkeypatch.context() as host:
        host.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        for _ in range(3):  # a second may end between the two readings
            engines.postgresql.execute("SET TIME ZONE 'Asia/Kathmandu'")
            left = _stored(engines, default, affinity)
            right = in_sqlite_terms(_given(engines.postgresql, default, affinity, pg_type))
            engines.sqlite.execute("DROP TABLE d")
            engines.postgresql.rollback()
            if left == right:
                break
    time.tzset()
    assert left == right


@pytest.mark.parametrize("case", SHAPE, ids=lambda case: case[0])
def test_what_is_random_has_the_same_shape(engines: Engines, case: Case) -> None:
    default, affinity, pg_type = case
    left = _stored(engines, default, affinity)
    right = in_sqlite_terms(_given(engines.postgresql, default, affinity, pg_type))
    assert type(left) is type(right)
    if isinstance(left, str | bytes) and isinstance(right, str | bytes):
        assert len(left) == len(right)
    if isinstance(left, str) and isinstance(right, str):
        assert re.sub("[0-9A-Fa-f]", "x", left) == re.sub("[0-9A-Fa-f]", "x", right)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[0])
def test_a_default_that_the_type_cannot_hold_is_refused(case: Case) -> None:
    default, affinity, pg_type = case
    assert isinstance(translate_default(Column("c", "", affinity, default=default), pg_type), Untranslatable)


def test_a_column_without_a_default_has_none() -> None:
    assert translate_default(Column("c", "TEXT", Affinity.TEXT), "text") is None
