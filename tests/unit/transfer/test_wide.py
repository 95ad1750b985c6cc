"""Values too large for a line are read in pieces, and stand in lines by their digest."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import apsw
import pytest

from opskit.schema.model import Affinity, Column, Table
from opskit.schema.sqlite_file import Value, cursor
from opskit.transfer.functions import register
from opskit.transfer.source import Block, read_blocks
from opskit.transfer.tables import SourceColumn, SourceTable, Wide
from opskit.transfer.wide import PIECE, any_of, rowid_name, wide_columns
from opskit.transfer.wide_source import measured_limit, read_wide_rows, unstorable_pieces

LIMIT = 300

LONG = "é\t\\" * PIECE
"""Several pieces, none of which ends where a character ends."""


@pytest.fixture(params=["UTF-8", "UTF-16le", "UTF-16be"])
def connection(request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    cursor(connection, f"PRAGMA encoding = '{request.param}'")
    register(connection)
    yield connection
    connection.close()


def fill(connection: apsw.Connection, create: str, *rows: Sequence[Value]) -> None:
    cursor(connection, create)
    for row in rows:
        cursor(connection, f"INSERT INTO t (a, b) VALUES ({', '.join('?' * len(row))})", row)


def table(pg_type: str, *, rowid: str | None = "rowid", checked: bool = False) -> SourceTable:
    large = SourceColumn("b", pg_type, checked, wide=Wide("t", rowid, LIMIT))
    return SourceTable("t", (SourceColumn("a", "bigint"), large))


def lines(blocks: Iterator[Block]) -> list[bytes]:
    return [line for block in blocks for line in block.lines]


def digest_of(content: bytes) -> bytes:
    return b"sha256 " + sha256(content).hexdigest().encode()


TABLES = [
    ("CREATE TABLE t (a, b)", "rowid"),
    ("CREATE TABLE t (a PRIMARY KEY, b) WITHOUT ROWID", None),
    ("CREATE TABLE t (a, b, c AS (a + 1))", None),
    ("CREATE VIRTUAL TABLE t USING fts4 (a, b)", "rowid"),
    ("CREATE TABLE t (a, b, rowid)", "_rowid_"),
]


@pytest.mark.parametrize(("create", "rowid"), TABLES)
def test_a_value_beyond_the_limit_is_shown_by_its_digest_and_read_in_pieces(
    connection: apsw.Connection, create: str, rowid: str | None
) -> None:
    fill(connection, create, (1, LONG), (2, "short"), (3, None))
    content = LONG.encode()
    found = table("text", rowid=rowid)
    assert sorted(lines(read_blocks(connection, found))) == [
        b"1\t" + digest_of(content),
        b"2\tshort",
        b"3\t\\N",
    ]
    (row,) = read_wide_rows(connection, found)
    assert row.block.lines == [b"1\t" + digest_of(content)]
    assert row.values[0] is None
    assert row.values[1] is not None
    assert row.values[1].size() == len(content)
    pieces = list(row.values[1].pieces())
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) < 2 * PIECE


@pytest.mark.parametrize("length", range(150, 320, 7))
def test_the_limit_counts_the_bytes_that_postgresql_will_count(
    connection: apsw.Connection, length: int
) -> None:
    fill(connection, "CREATE TABLE t (a, b)", (1, "ß" * length), (2, b"\xff" * length), (3, "x" * length))
    found = {line[:1]: line[2:] for line in lines(read_blocks(connection, table("bytea")))}
    for key, content in ((b"1", ("ß" * length).encode()), (b"2", b"\xff" * length), (b"3", b"x" * length)):
        shown = rb"\\x" + content.hex().encode()
        assert found[key] == (digest_of(content) if len(content) > LIMIT else shown)


def test_a_large_blob_is_no_text(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (a, b)", (1, b"x" * LIMIT * 2))
    (row,) = read_wide_rows(connection, table("text"))
    assert (row.block.rows, row.block.set_aside) == (0, 1)


def test_a_large_text_that_postgresql_cannot_store_is_set_aside(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (a, b)", (1, LONG + "\0"), (2, LONG))
    found = list(read_wide_rows(connection, table("text", checked=True)))
    assert [(row.block.rows, row.block.set_aside) for row in found] == [(0, 1), (1, 0)]


def test_a_row_whose_other_values_do_not_fit_is_set_aside(connection: apsw.Connection) -> None:
    fill(connection, "CREATE TABLE t (a, b)", ("no number", LONG))
    (row,) = read_wide_rows(connection, table("text"))
    assert row.block.rows == 0


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((b"\xc3", b"\xa9"), ""),
        ((b"abc", b"\xc3"), "the text is not valid UTF-8 from about byte 4"),
        ((b"abc", b"d\xff"), "the text is not valid UTF-8 from about byte 3"),
        ((b"abc", b"\0"), "the text holds a NUL character"),
        ((), ""),
    ],
)
def test_what_makes_a_text_unfit_is_found_across_pieces(pieces: tuple[bytes, ...], reason: str) -> None:
    assert unstorable_pieces(pieces) == reason


def test_a_file_on_disk_is_read_in_pieces_while_a_statement_reads_it(sqlite_file: Path) -> None:
    connection = apsw.Connection(str(sqlite_file))
    register(connection)
    fill(connection, "CREATE TABLE t (a, b)", *((number, bytes([number]) * PIECE * 3) for number in range(5)))
    found = lines(read_blocks(connection, table("bytea")))
    connection.close()
    assert found == [b"%d\t" % number + digest_of(bytes([number]) * PIECE * 3) for number in range(5)]


def measured(rows: Sequence[tuple[int, int]], room: int) -> int | None:
    connection = apsw.Connection(":memory:")
    cursor(connection, "CREATE TABLE t (a, b)")
    for row in rows:
        cursor(connection, "INSERT INTO t VALUES (zeroblob(?), zeroblob(?))", row)
    widths = {"a": max(a for a, _ in rows), "b": max(b for _, b in rows)}
    limit = measured_limit(connection, "t", widths, room)
    connection.close()
    return limit


@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        ([(10, 90)], None),
        ([(10, 90), (90, 10)], None),
        ([(0, 101)], 100),
        ([(0, 101), (90, 0)], 100),
        ([(60, 60)], 50),
        ([(1000, 1000)], 50),
        ([(10, 1000)], 50),
    ],
)
def test_the_limit_is_as_high_as_the_rows_that_there_are_allow(
    rows: Sequence[tuple[int, int]], limit: int | None
) -> None:
    assert measured(rows, room=100) == limit


def test_only_columns_that_may_exceed_the_limit_are_treated_specially() -> None:
    columns = tuple(Column(name, "", Affinity.BLOB) for name in ("id", "short", "long", "number"))
    types = {"id": "bigint", "short": "text", "long": "bytea", "number": "numeric(9,2)"}
    widths = {"id": 8, "short": 40, "long": 5000, "number": 9000}
    wide = Wide("t", "rowid", 960)
    assert wide_columns(Table("t", columns), types, widths, 960) == {"long": wide}
    assert wide_columns(Table("t", columns), types, widths, None) == {}


def test_the_name_of_the_rowid_is_one_that_no_column_has_taken() -> None:
    def named(*names: str, alias: str | None = None, without: bool = False) -> str | None:
        columns = tuple(Column(name, "", Affinity.BLOB) for name in names)
        return rowid_name(Table("t", columns, rowid_alias=alias, without_rowid=without))

    assert named("a") == "rowid"
    assert named("ROWID", "_rowid_") == "oid"
    assert named("rowid", "_rowid_", "oid") is None
    assert named("rowid", alias="rowid") == "rowid"
    assert named("a", without=True) is None


def test_conditions_on_two_thousand_columns_are_no_deeper_than_sqlite_allows() -> None:
    connection = apsw.Connection(":memory:")
    (row,) = cursor(connection, f"SELECT {any_of(['FALSE'] * 1999 + ['TRUE'])}")
    connection.close()
    assert row == (1,)
