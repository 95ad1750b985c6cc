"""Columns of any declaration with values of any class: each reads back as it was, or its change is told.

The oracle knows SQLite's and PostgreSQL's drivers, not how opskit renders.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import apsw
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import set_json_loads

from opskit.config import TypesProfile
from opskit.host.private_cluster import PrivateCluster
from opskit.migrate.profile import profile_table
from opskit.migrate.text_scan import scan_text
from opskit.schema.choice import choose
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, rows
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.types import TypeChoice
from opskit.transfer.functions import register
from opskit.transfer.source import read_blocks
from opskit.transfer.tables import SourceColumn, SourceTable, TargetTable
from opskit.transfer.target import Connection, connect, copy_in

SERVER = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DECLARED = (
    *("", "INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC", "DECIMAL(10,2)", "BOOLEAN", "DATETIME", "DATE"),
    *("JSON", "JSONB", "VARCHAR(3)", "STRING", "BIGINT UNSIGNED", "TIME"),
)

WORDS = (
    "",
    "0",
    "1",
    "true",
    "12.50",
    "1e3",
    " 7",
    "n/a",
    "12:30",
    "2024-02-29",
    "2024-02-30",
    "null",
    "[1, 2]",
)
MOMENTS = ("2024-05-06 07:08:09", "2024-05-06T07:08:09.5Z", "2024-05-06 07:08+02:00", "0000-01-01", "-1")
JSON = ('{"a": 1}', '{"a": 1, "a": 2}', '"\\u0000"', "{oops")
TEXTS = st.sampled_from((*WORDS, *MOMENTS, *JSON)) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=5
)
NUMBERS = st.sampled_from((0, 1, 2, -1, 2**53 + 1, 2**63 - 1, -(2**63), 1_700_000_000, 1_700_000_000_000))
REALS = st.sampled_from((0.5, 2.0, -0.0, 1e300, 5e-324, 12.345, 2460310.5, 1.7e9, float("inf"))) | st.floats(
    allow_nan=False
)
VALUES = st.none() | NUMBERS | st.integers(-(2**63), 2**63 - 1) | REALS | TEXTS | st.binary(max_size=4)
COLUMNS = st.lists(
    st.tuples(st.sampled_from(DECLARED), st.lists(VALUES, min_size=6, max_size=6)), min_size=8, max_size=8
)


@pytest.fixture(scope="module")
def server(postgresql: PrivateCluster) -> Iterator[Connection]:
    postgresql.create_database("mixed_columns")
    connection = connect(postgresql.conninfo("mixed_columns"), "test")
    set_json_loads(lambda text: text if isinstance(text, str) else text.decode(), connection)
    yield connection
    connection.close()


Column = tuple[str, Sequence[Value]]


def carried(
    server: Connection, columns: Sequence[Column], types: TypesProfile
) -> Iterator[tuple[TypeChoice, list[tuple[Value, object]]]]:
    """For each column the type that it got, and its values on both sides."""
    reader = apsw.Connection(":memory:")
    try:
        register(reader)
        names = [f"c{number}" for number in range(len(columns))]
        declared = ", ".join(f"{name} {kind}" for name, (kind, _) in zip(names, columns, strict=True))
        rows(reader, f"CREATE TABLE t (id INTEGER PRIMARY KEY, {declared})")
        for number, row in enumerate(zip(*(values for _, values in columns), strict=True)):
            rows(reader, f"INSERT INTO t VALUES ({', '.join('?' * (len(row) + 1))})", (number, *row))
        (table,) = read_schema(reader).tables
        profile = profile_table(reader, table, types, {})
        choices = {one.name: choose(one, profile.columns[one.name], types) for one in table.columns}
        source = tuple(SourceColumn(name, choice.pg_type) for name, choice in choices.items())
        texts = {one.name: profile.columns[one.name] for one in source if one.pg_type == "text"}
        blocks = read_blocks(reader, SourceTable("t", source, scan_text(reader, table, texts).framing))
        made = ", ".join(f"{quote(one.name)} {one.pg_type}" for one in source)
        server.execute(f"DROP TABLE IF EXISTS public.t; CREATE TABLE public.t ({made})".encode())
        copy_in(server, TargetTable("public", "t", tuple(choices)), blocks)
        for name in names:
            before = [row[0] for row in rows(reader, f"SELECT {name} FROM t ORDER BY id")]
            after = [row[0] for row in server.execute(f"SELECT {name} FROM public.t ORDER BY id".encode())]
            yield choices[name], list(zip(before, after, strict=True))
    finally:
        reader.close()


def reads_back(before: Value, after: object) -> bool:
    """Does a value read back as it was? A double with its bits, an integer also as the equal double."""
    if isinstance(before, float) and isinstance(after, float):
        return struct.pack("d", before + 0.0) == struct.pack("d", after + 0.0)
    if isinstance(before, int) and isinstance(after, float):
        return int(after) == before
    return type(before) is type(after) and before == after


def is_spelled(before: Value, after: object) -> bool:
    """Does a text, or do bytes, spell the value that they were made from?"""
    text = after.decode(errors="replace") if isinstance(after, bytes) else after
    if isinstance(before, float) and isinstance(text, str):
        return float(text) == before
    if isinstance(after, Decimal) and isinstance(before, float):
        return float(after) == before
    return str(text if isinstance(before, int | str) else after) == str(before)


def means(before: Value, after: object) -> bool:
    """Is it the same boolean, moment, day, decimal or JSON?"""
    if isinstance(after, bool):
        return before in {0, 1} and after is bool(before)
    if isinstance(after, datetime):
        moment = datetime.fromisoformat(str(before))
        return after == (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if isinstance(after, date):
        return str(after) == before
    if isinstance(after, Decimal):
        return isinstance(before, int | float) and after == Decimal(repr(before))
    if isinstance(before, str) and isinstance(after, str):
        return before == after or json.loads(before) == json.loads(after)
    if isinstance(before, int | float) and isinstance(after, str):
        return Decimal(after) == Decimal(repr(before))
    return isinstance(before, float) and isinstance(after, int) and Decimal(before) == after


EVERYTHING: Sequence[Value] = (None, 1, 0.5, "1", b"1", "n/a")


@SERVER
@given(columns=COLUMNS)
@example(columns=[(declared, EVERYTHING) for declared in DECLARED])
@example(columns=[(declared, EVERYTHING[:4]) for declared in DECLARED])
@example(columns=[(declared, (1, 0.5, 2.0, -0.0)) for declared in DECLARED])
@example(columns=[(declared, (2**63 - 1, 0.5, 2**53 + 1)) for declared in DECLARED])
def test_same_values_read_back_as_before_or_their_column_is_told(
    server: Connection, columns: Sequence[Column]
) -> None:
    for choice, pairs in carried(server, columns, TypesProfile.SAME):
        for before, after in pairs:
            assert reads_back(before, after) or (choice.told and is_spelled(before, after)), choice


@SERVER
@given(columns=COLUMNS)
@example(columns=[(declared, EVERYTHING) for declared in DECLARED])
@example(columns=[(declared, (1, 0, None)) for declared in DECLARED])
@example(columns=[(declared, ("2024-05-06", "2024-05-06T07:08:09.5Z")) for declared in DECLARED])
@example(columns=[(declared, ("[1, 2]", "1", "null")) for declared in DECLARED])
@example(columns=[(declared, (12.5, 12, 0.1)) for declared in DECLARED])
def test_native_values_mean_what_they_did_or_their_column_is_told(
    server: Connection, columns: Sequence[Column]
) -> None:
    for choice, pairs in carried(server, columns, TypesProfile.NATIVE):
        for before, after in pairs:
            kept = before is after is None or reads_back(before, after) or means(before, after)
            assert kept or (choice.told and is_spelled(before, after)), choice
