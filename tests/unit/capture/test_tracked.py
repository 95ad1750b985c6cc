"""Which rows of a followed table are brought over singly, and what of a file has no place."""

import apsw
import pytest

from opskit.capture.followed import Followed, FollowedColumn, FollowedTable, of_text, to_text
from opskit.capture.tracked import moved, track
from opskit.capture.triggers import watched
from opskit.schema.model import Schema
from opskit.schema.sqlite_file import rows
from opskit.schema.sqlite_reader import read_schema


def schema_of(script: str) -> Schema:
    connection = apsw.Connection(":memory:")
    rows(connection, script)
    schema = read_schema(connection)
    connection.close()
    return schema


def followed(table: str, **types: str) -> Followed:
    columns = tuple(FollowedColumn(name, f"{name}_there", kind) for name, kind in types.items())
    one = FollowedTable(table, f"{table}_there", columns, ("sum",), f"{table}_rejects", None)
    return Followed("/app.db", 7, (one,), left=("wide",))


@pytest.mark.parametrize(
    ("columns", "types", "key"),
    [
        ("a INTEGER PRIMARY KEY, b", {"a": "bigint", "b": "text"}, ("a_there",)),
        (
            "a TEXT NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (b, a)",
            {"a": "text", "b": "bigint"},
            ("b_there", "a_there"),
        ),
        ("a TEXT PRIMARY KEY, b", {"a": "text", "b": "text"}, ("a_there",)),
        ("a, b", {"a": "text", "b": "text"}, ()),
        ("a NOT NULL PRIMARY KEY, b", {"a": "text", "b": "text"}, ()),
        ("a TEXT NOT NULL PRIMARY KEY, b", {"a": "uuid", "b": "text"}, ()),
        ("a REAL NOT NULL PRIMARY KEY, b", {"a": "double precision", "b": "text"}, ()),
    ],
)
def test_a_row_is_found_by_a_key_that_has_one_spelling_on_both_sides(
    columns: str, types: dict[str, str], key: tuple[str, ...]
) -> None:
    schema = schema_of(f"CREATE TABLE t ({columns})")
    (one,) = track(followed("t", **types), schema, {"t": watched(schema.tables)[0]}, "public")
    assert one.target_key() == key


def test_a_virtual_table_has_no_key_because_it_cannot_be_watched() -> None:
    schema = schema_of("CREATE VIRTUAL TABLE t USING fts5(a)")
    (one,) = track(followed("t", rowid="bigint", a="text"), schema, {}, "public")
    assert one.target_key() == ()


def test_what_came_and_went_is_named() -> None:
    schema = schema_of("CREATE TABLE t (a, c, sum AS (a + 1)); CREATE TABLE u (a); CREATE TABLE wide (a)")
    news = [str(new) for new in moved(followed("t", a="text", b="text"), schema)]
    assert news == ["table u is new", "column c of table t is new", "column b of table t is gone"]
    assert [str(new) for new in moved(followed("gone", a="text"), schema_of(""))] == ["table gone is gone"]


def test_what_a_schema_follows_is_kept_as_text() -> None:
    one = followed("t", a="numeric(10,2)", b="timestamp with time zone(epoch)")
    assert of_text(one.source, one.number, to_text(one)) == one
