"""Rows of a SQLite table as COPY text, in blocks of bounded size.

Columns are rendered by SQLite, joined by control characters, and escaped for COPY a block at a time with
byte operations. That is only sound when no text holds those characters: counts prove it for every block, and
tables whose text does hold them are read with the escaping done inside SQLite.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

import apsw

from opskit.schema.moments import MOMENT
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Cursor, Value, cursor, scalar
from opskit.transfer.digest import row_digest
from opskit.transfer.render import render
from opskit.transfer.tables import SourceColumn, SourceTable
from opskit.transfer.wide import digest_field, exceeds

BLOCK_BYTES = 128 * 1024
"""How much is gathered before it is handed on; larger blocks gain nothing measurable."""

FIELD, ROW, NULL = b"\x1f", b"\x1e", b"\x00"
MISFIT = rb"\N\N"
"""What a value becomes that its target type cannot hold; no text is escaped to this, and NULL is \\N once.
Such rows are set aside: they are no part of what is copied and compared."""

_ESCAPES = (
    (b"\\", b"\\\\"),
    (b"\n", b"\\n"),
    (b"\t", b"\\t"),
    (b"\r", b"\\r"),
    (b"\b", b"\\b"),
    (b"\f", b"\\f"),
    (b"\v", b"\\v"),
)
"""What COPY TO escapes, so that both sides' lines are the same bytes
(https://www.postgresql.org/docs/15/sql-copy.html, text format)."""

ESCAPED = b"".join(plain for plain, _ in _ESCAPES)
"""The characters that COPY escapes."""


@dataclass(frozen=True, slots=True)
class Block:
    """COPY text of some whole rows.

    Attributes:
        lines: the rows without their newlines.
        data: the same, each ended by a newline.
        set_aside: how many more rows were read that the target cannot hold.
    """

    lines: Sequence[bytes]
    data: bytes
    set_aside: int = 0

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.lines)


def block_of(lines: Sequence[bytes], set_aside: int = 0) -> Block:
    """The block of some lines."""
    return Block(lines, b"".join(line + b"\n" for line in lines), set_aside)


class FramingError(Exception):
    """Text held a framing character although the profile had found none: a bug of ours, never bad data."""


def read_blocks(connection: apsw.Connection, table: SourceTable, condition: str = "") -> Iterator[Block]:
    """The rows of a table as blocks of COPY text.

    Args:
        condition: SQL; only the rows for which it holds.

    Raises:
        apsw.Error: the file cannot be read.
    """
    pending: list[bytes] = []
    size = 0
    query = f"SELECT {line_of(connection, table)} FROM {rows_of(table, condition)}"
    for lines in _lines(cursor(connection, query), table.rows_at_once):
        pending += lines
        size += sum(map(len, lines))
        if size >= BLOCK_BYTES:
            yield to_block(pending, table)
            pending, size = [], 0
    if pending:
        yield to_block(pending, table)


def _lines(rows: Cursor, at_once: int) -> Iterator[list[bytes]]:
    """Rows of one value, unpacked without a call of Python's for each."""
    values = cast("Iterator[bytes]", chain.from_iterable(rows))
    while lines := list(islice(values, at_once)):
        yield lines


def as_bytes(connection: apsw.Connection, text: str) -> str:
    """The SQL that fetches a text as bytes of UTF-8, or nearly: half of a surrogate pair makes it no text."""
    stored = f"CAST({text} AS BLOB)"
    return stored if scalar(connection, "PRAGMA encoding") == "UTF-8" else f"opskit_utf8({stored})"


def to_bytes(value: Value) -> bytes:
    """What `as_bytes` fetched, as UTF-8; lone surrogates become bytes that are no UTF-8."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def concatenate(parts: Sequence[str], separator: str) -> str:
    """A balanced `||` tree: SQLite limits an expression's depth to 1000, and tables may have 2000 columns."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = concatenate(parts[:middle], separator), concatenate(parts[middle:], separator)
    return f"({left} || {separator} || {right})"


def fitting(column: SourceColumn) -> str:
    """The SQL that renders a column, NULL for what its type cannot hold."""
    name = quote(column.name)
    text = _fitting(name, column)
    if column.wide is None:
        return text
    beyond = exceeds(column.name, column.wide)
    return f"CASE WHEN {beyond} THEN {digest_field(column, column.wide)} ELSE {text} END"


def _fitting(name: str, column: SourceColumn) -> str:
    if column.plain:
        return f"{name} || '+00'" if column.pg_type == MOMENT else name
    text = render(name, column.pg_type)
    if not column.checked:
        return text
    storable = f"opskit_storable(CAST({name} AS BLOB)) IS NOT NULL"
    return f"CASE WHEN typeof({name}) <> 'text' OR {storable} THEN {text} END"


def rows_of(table: SourceTable, condition: str = "") -> str:
    """The SQL after FROM that names the rows to read."""
    conditions = [one for one in (condition, table.only) if one]
    if table.span is not None:
        conditions.append(f"{table.span.rowid} BETWEEN {table.span.first} AND {table.span.last}")
    return f"{quote(table.name)} WHERE {' AND '.join(conditions)}" if conditions else quote(table.name)


def line_of(connection: apsw.Connection, table: SourceTable) -> str:
    """The SQL that renders a row as one line."""
    if not table.columns:
        return "x''"
    rendered = [_field(column, table) for column in table.columns]
    return as_bytes(connection, concatenate(rendered, "char(9)" if _is_ready(table) else "char(31)"))


def _is_ready(table: SourceTable) -> bool:
    """Do lines come as COPY takes them?"""
    return table.escaped or table.clean


def _field(column: SourceColumn, table: SourceTable) -> str:
    name, text = quote(column.name), fitting(column)
    null = "'\\N'" if _is_ready(table) else "char(0)"
    if table.escaped:
        for plain, coded in _ESCAPES:
            text = f"replace({text}, char({plain[0]}), '{coded.decode()}')"
    if column.plain:
        return f"ifnull({text}, {null})"
    return f"ifnull({text}, CASE WHEN {name} IS NULL THEN {null} ELSE {null} || {null} END)"


def to_block(lines: list[bytes], table: SourceTable) -> Block:
    """Lines as `line_of` renders them, escaped for COPY; those of rows that do not fit are left out.

    Raises:
        FramingError: some text holds a framing character, and the table was not read escaped.
    """
    if _is_ready(table):
        data = b"\n".join(lines) + b"\n"
    else:
        data = _escape(lines, table)
        lines = data[:-1].split(b"\n")
    # without a backslash, which is found much sooner than not, there is none
    if (b"\\" not in data or MISFIT not in data) and not table.refused:
        return Block(lines, data)
    kept = [line for line in lines if _is_held(line, table)]
    return block_of(kept, len(lines) - len(kept))


def _is_held(line: bytes, table: SourceTable) -> bool:
    return MISFIT not in line and (not table.refused or row_digest(line) not in table.refused)


def _escape(lines: list[bytes], table: SourceTable) -> bytes:
    joined = ROW.join(lines)
    fields = max(len(table.columns) - 1, 0)
    if joined.count(ROW) != len(lines) - 1 or joined.count(FIELD) != len(lines) * fields:
        raise FramingError(table.name)
    for plain, coded in _ESCAPES:
        joined = joined.replace(plain, coded)
    return joined.replace(NULL, b"\\N").replace(FIELD, b"\t").replace(ROW, b"\n") + b"\n"
