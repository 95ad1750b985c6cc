"""Reads values of any size from a SQLite file a piece at a time, by SQLite's incremental I/O.

It knows rowids only: a value of a table WITHOUT ROWID, or of one with generated columns, is read whole.
"""

import codecs
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, cast

import apsw

from opskit.schema.model import Table
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, create_function, cursor, rows, scalar
from opskit.transfer.source import Block, line_of, rows_of, to_block, to_bytes
from opskit.transfer.tables import SourceTable
from opskit.transfer.wide import (
    MARK,
    PIECE,
    ROW_BYTES,
    any_exceeds,
    content,
    exceeds,
    joined,
    limits,
    may_be_wide,
    wide_columns,
)


class _Blob(Protocol):
    """What is used of apsw.Blob."""

    def length(self) -> int: ...
    def read(self, length: int, /) -> bytes: ...
    def close(self) -> None: ...


class _OpensBlobs(Protocol):
    def blob_open(self, database: str, table: str, column: str, rowid: int, writeable: bool, /) -> _Blob: ...


@dataclass(frozen=True, slots=True)
class WideValue:
    """One text or BLOB of any size.

    Attributes:
        rowid: of its row, None when `content` is the value itself.
        content: `text` or `blob`, or the bytes; texts in UTF-8.
    """

    connection: apsw.Connection
    table: str
    column: str
    rowid: int | None
    content: str | bytes

    def pieces(self) -> Iterator[bytes]:
        """What PostgreSQL is to hold: the bytes of a BLOB, those of a text in UTF-8.

        Raises:
            apsw.Error: the file cannot be read.
        """
        if isinstance(self.content, bytes):
            yield from _sliced(self.content)
        elif encoding := self._foreign_encoding():
            yield from _transcoded(self._stored(), encoding)
        else:
            yield from self._stored()

    def size(self) -> int:
        """Bytes of all pieces.

        Raises:
            apsw.Error: the file cannot be read.
        """
        if isinstance(self.content, bytes):
            return len(self.content)
        if self._foreign_encoding():
            return sum(map(len, self.pieces()))
        try:
            opened = self._open()
        except apsw.SQLError:
            return len(self._whole())
        with closing(opened):
            return opened.length()

    def _foreign_encoding(self) -> str:
        """What the text is stored in when that is not UTF-8, else empty."""
        encoding = str(scalar(self.connection, "PRAGMA encoding"))
        return encoding if self.content == "text" and encoding != "UTF-8" else ""

    def _stored(self) -> Iterator[bytes]:
        """As the file holds it."""
        try:
            opened = self._open()
        except apsw.SQLError:  # a virtual table
            yield from _sliced(self._whole())
            return
        with closing(opened):
            rest = opened.length()
            while rest:
                piece = opened.read(min(PIECE, rest))
                rest -= len(piece)
                yield piece

    def _open(self) -> _Blob:
        reader = cast("_OpensBlobs", self.connection)
        return reader.blob_open("main", self.table, self.column, cast("int", self.rowid), False)

    def _whole(self) -> bytes:
        query = f"SELECT CAST({quote(self.column)} AS BLOB) FROM {quote(self.table)} WHERE rowid = ?"
        return cast("bytes", scalar(self.connection, query, (self.rowid,)))


@dataclass(frozen=True, slots=True)
class WideRow:
    """A row with values that travel by themselves.

    Attributes:
        block: the row's line, which shows these values by digest; no row when the target cannot hold it.
        values: for each column such a value, or None.
    """

    block: Block
    values: tuple[WideValue | None, ...]


def register_wide(connection: apsw.Connection) -> None:
    """Makes the functions of wide values available to the connection's SQL; they read while it reads."""
    create_function(connection, "opskit_wide", partial(_field, connection), 6)
    create_function(connection, "opskit_wide_fault", partial(_fault, connection), 4)


def read_wide_rows(connection: apsw.Connection, table: SourceTable) -> Iterator[WideRow]:
    """The rows that hold values too large for a line.

    Raises:
        apsw.Error: the file cannot be read.
    """
    wide = {column.name: column.wide for column in table.columns if column.wide}
    if not wide:
        return
    rowid = next(iter(wide.values())).rowid or "NULL"
    contents = [f"CASE WHEN {exceeds(name, one)} THEN {content(name, one)} END" for name, one in wide.items()]
    asked = ", ".join([line_of(connection, table), rowid, *contents])
    for row in cursor(connection, f"SELECT {asked} FROM {rows_of(table, any_exceeds(table.columns))}"):
        line, number, *found = row
        held = dict(zip(wide, found, strict=True))
        values = (
            _value(connection, table.name, one.name, number, held.get(one.name)) for one in table.columns
        )
        yield WideRow(to_block([to_bytes(line)], table), tuple(values))


def measured_limit(
    connection: apsw.Connection,
    table: str,
    widths: Mapping[str, int],
    room: int = ROW_BYTES,
    *,
    only: str = "",
) -> int | None:
    """The size of values up to which every row has room in a line; None when whole rows have.

    The headers of records tell, and only where the widest values would not find room together.

    Args:
        widths: column → bytes of the longest value as the file stores it.
        room: bytes of a row's values that may be handled as one line.
        only: SQL; only the rows for which it holds.

    Raises:
        apsw.Error: the file cannot be read.
    """
    if sum(widths.values()) <= room:
        return None
    tried = limits(len(widths), room)
    counted = {name: f"ifnull(octet_length({quote(name)}), 0)" for name in widths}
    sums = [joined([f"min({one}, {limit})" for one in counted.values()], "+") for limit in tried]
    asked = ", ".join(f"max({one})" for one in (joined([*counted.values()], "+"), *sums))
    query = f"SELECT {asked} FROM {quote(table)} WHERE {only or 1}"
    widest, *cut = cast("tuple[int, ...]", rows(connection, query)[0])
    if widest <= room:
        return None
    return next((limit for limit, row in zip(tried, cut, strict=True) if row <= room), tried[-1])


def sized(connection: apsw.Connection, table: Table, source: SourceTable) -> SourceTable:
    """The table with what is known of large values when their sizes have been measured.

    Raises:
        apsw.Error: the file cannot be read.
    """
    types = {column.name: column.pg_type for column in source.columns if may_be_wide(column.pg_type)}
    if not types:
        return source
    longest = ", ".join(f"ifnull(max(octet_length({quote(name)})), 0)" for name in types)
    (found,) = rows(connection, f"SELECT {longest} FROM {rows_of(source)}")
    widths = dict(zip(types, cast("tuple[int, ...]", found), strict=True))
    limit = measured_limit(connection, table.name, widths, only=source.only)
    wide = wide_columns(table, types, widths, limit)
    columns = tuple(replace(column, wide=wide.get(column.name)) for column in source.columns)
    return replace(source, columns=columns)


def unstorable_pieces(pieces: Iterable[bytes]) -> str:
    """Why PostgreSQL cannot store a text; empty when it can."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0
    try:
        for piece in pieces:
            if b"\0" in piece:
                return "the text holds a NUL character"
            decoder.decode(piece)
            done += len(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return f"the text is not valid UTF-8 from about byte {done}"
    return ""


def _value(
    connection: apsw.Connection, table: str, column: str, rowid: Value, found: Value
) -> WideValue | None:
    if not isinstance(found, str | bytes):
        return None
    return WideValue(connection, table, column, rowid if isinstance(rowid, int) else None, found)


def _field(connection: apsw.Connection, pg_type: str, limit: int, *place: Value) -> str:
    """How a line shows a value: by its digest, unless PostgreSQL counts no more bytes than the limit."""
    value = _at(connection, *place)
    digest, size = hashlib.sha256(), 0
    for piece in value.pieces():
        digest.update(piece)
        size += len(piece)
    if size > limit:
        return MARK + digest.hexdigest()
    whole = b"".join(value.pieces())
    return "\\x" + whole.hex() if pg_type == "bytea" else whole.decode("utf-8", "surrogatepass")


def _fault(connection: apsw.Connection, *place: Value) -> str:
    return unstorable_pieces(_at(connection, *place).pieces())


def _at(connection: apsw.Connection, *place: Value) -> WideValue:
    return WideValue(connection, *cast("tuple[str, str, int | None, str | bytes]", place))


def _sliced(value: bytes) -> Iterator[bytes]:
    return (value[start : start + PIECE] for start in range(0, len(value), PIECE))


def _transcoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
