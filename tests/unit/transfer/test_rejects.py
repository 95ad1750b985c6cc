"""Rows that a table cannot hold are read whole, with the reason."""

import json
from collections.abc import Iterator

import apsw
import pytest

from opskit.schema.sqlite_file import rows
from opskit.transfer.functions import register
from opskit.transfer.rejects import Reject, read_rejects, unstorable
from opskit.transfer.tables import SourceColumn, SourceTable


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    register(connection)
    yield connection
    connection.close()


def read(connection: apsw.Connection, values: str, *columns: SourceColumn) -> list[Reject]:
    """The rejects of a table with these columns and rows; the first column is the key."""
    names = ", ".join(f'"{column.name}"' for column in columns)
    rows(connection, f"CREATE TABLE t ({names}); INSERT INTO t VALUES {values}")
    return list(read_rejects(connection, SourceTable("t", columns), [columns[0].name]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"fine", ""),
        ("ü 🐘".encode(), ""),
        (b"", ""),
        (b"\0", "the text holds a NUL character"),
        (b"a\0b", "the text holds a NUL character"),
        (b"ab\xff", "the text is not valid UTF-8 at byte 2"),
        (b"\xed\xa0\x80", "the text is not valid UTF-8 at byte 0"),
        (b"\xc0\x80", "the text is not valid UTF-8 at byte 0"),
    ],
)
def test_what_postgresql_cannot_store(text: bytes, reason: str) -> None:
    assert unstorable(text) == reason


def test_only_rows_that_do_not_fit_are_read(connection: apsw.Connection) -> None:
    columns = SourceColumn("id", "bigint"), SourceColumn("n", "integer")
    found = read(connection, "(1, 5), (2, 'x'), (3, NULL), (4, 3000000000)", *columns)
    assert [(one.key, one.reason) for one in found] == [
        ("id=2", "column n: the value does not fit integer"),
        ("id=4", "column n: the value does not fit integer"),
    ]


def test_a_row_holds_all_its_values_each_as_what_it_was(connection: apsw.Connection) -> None:
    columns = (
        SourceColumn("id", "bigint"),
        SourceColumn("bad", "text", checked=True),
        *(SourceColumn(name, "text") for name in ("text", "real", "most", "least", "none")),
        SourceColumn("bytes", "bytea"),
    )
    values = "(1, CAST(x'61ff' AS TEXT), 'ü\"', 2.5, 9e999, -9e999, NULL, x'00')"
    (found,) = read(connection, values, *columns)
    assert json.loads(found.row) == {
        "id": 1,
        "bad": {"hex": "61ff"},
        "text": 'ü"',
        "real": 2.5,
        "most": "Infinity",
        "least": "-Infinity",
        "none": None,
        "bytes": {"hex": "00"},
    }


def test_every_column_at_fault_is_named(connection: apsw.Connection) -> None:
    columns = SourceColumn("id", "bigint"), SourceColumn("a", "date"), SourceColumn("b", "boolean")
    (found,) = read(connection, "(1, 'soon', 7)", *columns)
    assert found.reason == "column a: the value does not fit date; column b: the value does not fit boolean"
