"""What the text of a table holds: bytes that PostgreSQL refuses, and characters that frame rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import apsw

from opskit.migrate.evidence import row_key
from opskit.migrate.facts import TextScan, UnfitText
from opskit.schema.model import Storage, Table
from opskit.schema.names import quote
from opskit.schema.sqlite_file import cursor, rows, scalar
from opskit.schema.types import ColumnProfile
from opskit.transfer.rejects import unstorable
from opskit.transfer.source import BLOCK_BYTES, ESCAPED, FIELD, ROW, as_bytes, concatenate, to_bytes
from opskit.transfer.tables import Wide
from opskit.transfer.wide import any_of, exceeds, fault, rowid_name, wide_columns
from opskit.transfer.wide_source import measured_limit

UNFIT_SHOWN = 10
"""Values named singly when they cannot be stored; the rest is counted."""

_GLANCED_BYTES = 256 * 1024
"""What a glance fetches at most: all rows as long as the longest."""

_LEAST_ROWS, _MOST_ROWS = 8, 5000
"""With fewer rows to a fetch nothing is gained, nor with more."""

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1

_CLEAN = TextScan(clean=True)


def scan_text(connection: apsw.Connection, table: Table, columns: Mapping[str, ColumnProfile]) -> TextScan:
    """Looks at the text of columns that become text.

    Clean text is seen to be clean in large pieces; only other text is looked at row by row.

    Args:
        columns: the columns that become text, and what they hold.
    """
    names = [name for name, held in columns.items() if held.storage.get(Storage.TEXT)]
    glanced = _glance(connection, table, {name: columns[name] for name in names}) if names else _CLEAN
    if glanced is not None:
        return glanced
    widths = {name: columns[name].widest for name in names}
    limit = measured_limit(connection, table.name, widths)
    wide = wide_columns(table, dict.fromkeys(names, "text"), widths, limit)
    texts = [_Text(name, wide.get(name)) for name in names]
    framing = False
    bad = _large_unfit(connection, table, texts)
    for block in _text_blocks(connection, table, texts):
        joined = ROW.join(block)
        if joined.count(ROW) != len(block) - 1 or joined.count(FIELD) != len(block) * (len(names) - 1):
            framing = True
        if unstorable(joined):
            bad += sum(1 for line in block if unstorable(line))
    if not bad:
        return TextScan(framing)
    unfit = tuple(_unfit(connection, table, texts))
    return TextScan(framing, unfit, bad, _unfit_columns(connection, table, texts))


@dataclass(frozen=True, slots=True)
class _Text:
    """A column of texts, some of which may be too large to be looked at as a whole."""

    name: str
    wide: Wide | None

    def whole(self) -> str:
        """The SQL of a text that is not too large; an empty text for all other values."""
        text = _only_text(quote(self.name))
        return f"CASE WHEN {exceeds(self.name, self.wide)} THEN '' ELSE {text} END" if self.wide else text

    def is_unfit(self) -> str:
        """The SQL that tells whether PostgreSQL cannot store a text."""
        unfit = f"opskit_storable(CAST({quote(self.name)} AS BLOB)) IS NULL"
        if self.wide:
            large = f"{fault(self.name, self.wide)} <> ''"
            unfit = f"CASE WHEN {exceeds(self.name, self.wide)} THEN {large} ELSE {unfit} END"
        return f"(typeof({quote(self.name)}) = 'text' AND {unfit})"

    def shown(self) -> str:
        """The SQL of a text's bytes, or of what is wrong with one that is too large."""
        text = f"opskit_utf8(CAST({_only_text(quote(self.name))} AS BLOB))"
        if self.wide is None:
            return text
        return f"CASE WHEN {exceeds(self.name, self.wide)} THEN {fault(self.name, self.wide)} ELSE {text} END"


def _large_unfit(connection: apsw.Connection, table: Table, texts: Sequence[_Text]) -> int:
    """How many rows cannot be stored because of a text that is too large, and of no other."""
    large = any_of([f"({exceeds(one.name, one.wide)} AND {one.is_unfit()})" for one in texts if one.wide])
    if not large:
        return 0
    others = any_of([f"opskit_storable(CAST({one.whole()} AS BLOB)) IS NULL" for one in texts])
    counted = f"SELECT count(*) FROM {quote(table.name)} WHERE {large} AND NOT {others}"
    return cast("int", scalar(connection, counted))


def _glance(
    connection: apsw.Connection, table: Table, columns: Mapping[str, ColumnProfile]
) -> TextScan | None:
    """What is seen at a glance, None when not everything is fine.

    Rows put together by SQLite take half the time of rows fetched.
    """
    rowid = rowid_name(table)
    widest = sum(held.widest + 1 for held in columns.values())
    at_once = min(_GLANCED_BYTES // widest, _MOST_ROWS)
    if rowid is None or at_once < _LEAST_ROWS or scalar(connection, "PRAGMA encoding") != "UTF-8":
        return None
    texts = [
        f"ifnull({quote(name)}, '')"
        if held.filled() == held.storage[Storage.TEXT]
        else _only_text(quote(name))
        for name, held in columns.items()
    ]
    line = concatenate(texts, "char(31)")
    some = (
        f"SELECT {rowid} AS number, {line} AS line FROM {quote(table.name)} WHERE {rowid} >= ?"
        f" ORDER BY {rowid} LIMIT {at_once}"
    )
    query = f"SELECT count(*), max(number), CAST(group_concat(line, char(30)) AS BLOB) FROM ({some})"
    clean = True
    first, count = _LOWEST, at_once
    while count == at_once and first <= _HIGHEST:
        count, last, text = cast("tuple[int, int | None, bytes | None]", rows(connection, query, (first,))[0])
        framed = text is None or (
            text.count(ROW) == count - 1 and text.count(FIELD) == count * (len(columns) - 1)
        )
        if not framed or unstorable(text or b""):
            return None
        clean = clean and (text is None or len(text.translate(None, ESCAPED)) == len(text))
        first = _HIGHEST + 1 if last is None else last + 1
    return TextScan(clean=clean)


def _unfit_columns(connection: apsw.Connection, table: Table, texts: Sequence[_Text]) -> frozenset[str]:
    """The columns in which some text cannot be stored."""
    found: set[str] = set()
    for text in texts:
        if rows(connection, f"SELECT 1 FROM {quote(table.name)} WHERE {text.is_unfit()} LIMIT 1"):
            found.add(text.name)
    return frozenset(found)


def _text_blocks(connection: apsw.Connection, table: Table, texts: Sequence[_Text]) -> Iterator[list[bytes]]:
    """The text of each row."""
    line = concatenate([one.whole() for one in texts], "char(31)")
    block: list[bytes] = []
    size = 0
    for row in cursor(connection, f"SELECT {as_bytes(connection, line)} FROM {quote(table.name)}"):
        line = to_bytes(row[0])
        block.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _only_text(column: str) -> str:
    return f"CASE typeof({column}) WHEN 'text' THEN {column} ELSE '' END"


def _unfit(connection: apsw.Connection, table: Table, texts: Sequence[_Text]) -> Iterator[UnfitText]:
    """The first rows with text that PostgreSQL cannot store."""
    key = row_key(table)
    keys = [f"opskit_utf8(CAST({quote(name)} AS BLOB))" for name in key] or ["x''"]
    marks = concatenate([f"CASE WHEN {one.is_unfit()} THEN '!' ELSE '' END" for one in texts], "''")
    chosen = f"SELECT {', '.join([*keys, *(one.shown() for one in texts)])} FROM {quote(table.name)}"
    for row in cursor(connection, f"{chosen} WHERE {marks} <> '' LIMIT {UNFIT_SHOWN}"):
        found = cast("tuple[bytes | None, ...]", row[: len(keys)])
        shown = ", ".join(
            f"{name}={(value or b'NULL').decode(errors='backslashreplace')}"
            for name, value in zip(key, found, strict=False)
        )
        for text, value in zip(texts, row[len(keys) :], strict=True):
            reason = value if isinstance(value, str) else unstorable(cast("bytes | None", value) or b"")
            if reason:
                yield UnfitText(table.name, text.name, shown, reason)
