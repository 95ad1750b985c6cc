"""Rows leave SQLite as COPY text in bounded blocks; framing characters in text cannot confuse them."""

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from opskit.schema.sqlite_file import open_read_only
from opskit.transfer.functions import register
from opskit.transfer.source import BLOCK_BYTES, FramingError, read_blocks
from opskit.transfer.tables import SourceColumn, SourceTable


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    register(connection)
    yield connection
    connection.close()


def table(*columns: str, escaped: bool = False) -> SourceTable:
    return SourceTable("t", tuple(SourceColumn(name, "text") for name in columns), escaped)


def fill(connection: apsw.Connection, *rows: tuple[Any, ...]) -> None:
    columns = ", ".join("abc"[: len(rows[0])])
    connection.execute(f"CREATE TABLE t ({columns})")
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)


def test_what_copy_escapes_is_escaped(connection: apsw.Connection) -> None:
    fill(connection, ("a\\b", "\n\t\r\b\f\v"), (None, ""))
    for escaped in (False, True):
        (block,) = read_blocks(connection, table("a", "b", escaped=escaped))
        assert block.data == b"a\\\\b\t\\n\\t\\r\\b\\f\\v\n\\N\t\n"
        assert block.rows == 2


@pytest.mark.parametrize("mark", ["\x1e", "\x1f"])
def test_framing_characters_in_text_are_noticed_and_the_escaped_path_takes_them(
    connection: apsw.Connection, mark: str
) -> None:
    fill(connection, (f"x{mark}y", "z"))
    with pytest.raises(FramingError):
        list(read_blocks(connection, table("a", "b")))
    (block,) = read_blocks(connection, table("a", "b", escaped=True))
    assert block.data == f"x{mark}y\tz\n".encode()


def test_framing_characters_that_would_cancel_each_other_out_are_noticed(
    connection: apsw.Connection,
) -> None:
    fill(connection, ("a\x1eb", "c"), ("d", "e\x1ff"))
    with pytest.raises(FramingError):
        list(read_blocks(connection, table("a", "b")))


def test_blocks_are_bounded_and_hold_whole_rows(connection: apsw.Connection) -> None:
    fill(connection, *(("x" * 1000,) for _ in range(1000)))
    blocks = list(read_blocks(connection, table("a")))
    assert sum(block.rows for block in blocks) == 1000
    assert len(blocks) > 2
    for block in blocks:
        assert len(block.data) < BLOCK_BYTES + 2000
        assert len(block.lines) == block.rows


def test_an_empty_table_has_no_blocks(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE t (a)")
    assert list(read_blocks(connection, table("a"))) == []


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_every_encoding_of_a_database_becomes_utf8(sqlite_file: Path, encoding: str) -> None:
    writer = apsw.Connection(str(sqlite_file))
    writer.execute(f"PRAGMA encoding = '{encoding}'; CREATE TABLE t (a, b)").fetchall()
    writer.execute("INSERT INTO t VALUES (?, ?)", ("Größe 🐘\\\n", "\x1f\u2028"))
    writer.close()
    reader = open_read_only(sqlite_file)
    register(reader)
    (block,) = read_blocks(reader, table("a", "b", escaped=True))
    reader.close()
    assert block.data == "Größe 🐘\\\\\\n\t\x1f\u2028\n".encode()


def test_sqlite_writes_fifteen_digits_only_where_they_read_back_as_the_double() -> None:
    """Rendering rests on it. SQLite before 3.54 wrote fifteen digits of any double."""
    chance = random.Random(7)
    decimals = [chance.randrange(1, 10**15) / 10 ** chance.randrange(0, 15) for _ in range(20_000)]
    doubles = [math.nextafter(one, towards) for one in decimals for towards in (one, 0, math.inf)]
    connection = apsw.Connection(":memory:")
    try:
        for double in doubles:
            ((text,),) = connection.execute("SELECT CAST(? AS TEXT)", (double,)).fetchall()
            assert len(text) >= 17 or float(text) == double
    finally:
        connection.close()
