"""JSON: what opskit takes for valid is what the server takes, and a JSON column keeps what it can hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import apsw
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from opskit.host.private_cluster import PrivateCluster
from opskit.schema.sqlite_file import rows
from opskit.transfer.functions import register
from opskit.transfer.json_text import DEEPEST, json_text, jsonb_text
from opskit.transfer.render import render
from opskit.transfer.target import Connection, connect
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite, query

SERVER = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TOKENS = ("null", "true", "False", '"a"', '"a":', "1e5", "1E-7", "-0.0", "NaN", "Infinity")
ESCAPES = ("\\u00e9", "\\ud83d", "\\ude00", "\\u0000", "\\x41")
ODD = ("é", "🐘", "\ufeff", "\xa0", "\u2028")
PIECES = st.sampled_from((*'[]{}:,"\\ \n\t\x0b\x1f\x7f-+.eE0123456789', *TOKENS, *ESCAPES, *ODD))
WRAPPED = st.sampled_from(("%s", '"%s"', "[%s]", '{"k":%s}', '["x", %s, 1]', '{"%s":1}'))


@st.composite
def almost_json(draw: st.DrawFn) -> str:
    """Texts that are JSON, or nearly."""
    return draw(WRAPPED).replace("%s", "".join(draw(st.lists(PIECES, max_size=6))))


@pytest.fixture(scope="module")
def server(postgresql: PrivateCluster) -> Iterator[Connection]:
    postgresql.create_database("json_arrives")
    connection = connect(postgresql.conninfo("json_arrives"), "test")
    yield connection
    connection.close()


def printed(server: Connection, text: str, statement: LiteralString) -> str | None:
    """How the server prints a text as JSON, None when it refuses it."""
    try:
        row = server.execute(statement, (text,)).fetchone()
    except psycopg.DataError:
        return None
    return str(row[0]) if row else None


@SERVER
@given(text=almost_json())
@example(text="")
@example(text='"\ud83d"'.encode("utf-8", "replace").decode())
@example(text='{"a":1, "a":2}')
@example(text="1e131071")
@example(text="1" * 5000)
@example(text="[" * DEEPEST + "]" * DEEPEST)
@example(text='{"a":' * DEEPEST + "1" + "}" * DEEPEST)
def test_json_is_valid_when_the_server_says_so(server: Connection, text: str) -> None:
    assert json_text(text) == printed(server, text, "SELECT %s::json::text")


@SERVER
@given(text=almost_json())
@example(text="[" * DEEPEST + "]" * DEEPEST)
@example(text='{"a":' * DEEPEST + "1" + "}" * DEEPEST)
@example(text='{"b":1,"aa":2,"\\u00e9":3,"":4}')
def test_jsonb_is_what_the_server_prints_or_refused(server: Connection, text: str) -> None:
    mine = jsonb_text(text)
    assert mine is None or mine == printed(server, text, "SELECT %s::jsonb::text")


@pytest.mark.parametrize("text", ["[" * 5000, "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), '{"a":' * 100_000])
def test_values_that_nest_too_deeply_are_refused(text: str) -> None:
    assert json_text(text) is None
    assert jsonb_text(text) is None


@pytest.mark.parametrize("kind", ["json", "jsonb", "timestamp with time zone", "numeric", "date", "uuid"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_bytes_that_are_no_text_do_not_fit(kind: str, encoding: str) -> None:
    connection = apsw.Connection(":memory:")
    try:
        rows(connection, f"PRAGMA encoding = '{encoding}'; CREATE TABLE t (v)")
        register(connection)
        rows(connection, "INSERT INTO t VALUES (CAST(x'22ff00d822' AS TEXT)), ('[1]'), (NULL)")
        found = rows(connection, f"SELECT {render('v', kind)} FROM t")
        assert found == [(None,), ("[1]" if "json" in kind else None,), (None,)]
    finally:
        connection.close()


def migrated(opskit: Opskit, database: TestDatabase, file: Path, declared: str, *values: object) -> str:
    """The type that a column of some values becomes."""
    insert = "INSERT INTO docs (body) VALUES (?)", [(value,) for value in values]
    make_sqlite(file, f"CREATE TABLE docs (id INTEGER PRIMARY KEY, body {declared})", insert)
    result = opskit("migrate", file, database.conninfo, "--yes", "-o", "json")
    assert result.code == 0, result.stdout
    ((kind,),) = query(
        database,
        "SELECT atttypid::regtype::text FROM pg_attribute"
        " WHERE attrelid = 'docs'::regclass AND attname = 'body'",
    )
    return str(kind)


def test_valid_json_and_the_numbers_that_sqlite_made_of_it_become_jsonb(
    opskit: Opskit, database: TestDatabase, tmp_path: Path
) -> None:
    values = ('{"a": 1}', "12", "1.50", "null", '"x"', None)
    assert migrated(opskit, database, tmp_path / "docs.db", "JSON", *values) == "jsonb"
    held = query(database, "SELECT body::text FROM docs ORDER BY id")
    assert [row[0] for row in held] == ['{"a": 1}', "12", "1.5", "null", '"x"', None]


def test_json_with_equal_keys_keeps_its_text(opskit: Opskit, database: TestDatabase, tmp_path: Path) -> None:
    values = (' {"a": 1, "a" : 2}', '"\\u0000"', 12, 0.5)
    assert migrated(opskit, database, tmp_path / "docs.db", "JSONB", *values) == "json"
    held = query(database, "SELECT body::text FROM docs ORDER BY id")
    assert [row[0] for row in held] == [' {"a": 1, "a" : 2}', '"\\u0000"', "12", "0.5"]


def test_json_with_equal_keys_in_a_unique_column_stays_text(
    opskit: Opskit, database: TestDatabase, tmp_path: Path
) -> None:
    """PostgreSQL's json has no equality: the constraint would be lost."""
    values = ('{"a": 1, "a": 2}', "[1]")
    assert migrated(opskit, database, tmp_path / "docs.db", "JSON UNIQUE", *values) == "text"
    unique = "SELECT conname FROM pg_constraint WHERE contype = 'u' AND conrelid = 'docs'::regclass"
    assert query(database, unique) == [("docs_body_key",)]


def test_json_that_is_none_stays_text(opskit: Opskit, database: TestDatabase, tmp_path: Path) -> None:
    assert migrated(opskit, database, tmp_path / "docs.db", "JSON", "[1]", "{oops}") == "text"


def test_the_binary_json_of_sqlite_stays_bytes(
    opskit: Opskit, database: TestDatabase, tmp_path: Path
) -> None:
    assert migrated(opskit, database, tmp_path / "docs.db", "JSONB", b"\x2b\x13\x31") == "bytea"
