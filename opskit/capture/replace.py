"""Makes a table of PostgreSQL's equal to a snapshot of the SQLite file, row by row, without needing a key.

Rows are told apart by their lines, which both sides spell alike. What is equal already is not touched. Lines
are held as digests in a scratch database, which SQLite keeps on disk.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice

import apsw
from psycopg import sql

from opskit.capture.sqlite_side import executemany
from opskit.schema.sqlite_file import cursor, rows
from opskit.transfer.copied import Copied
from opskit.transfer.digest import Digest, digest, row_digest
from opskit.transfer.patience import Patience
from opskit.transfer.source import Block, block_of, read_blocks
from opskit.transfer.tables import SourceTable, TargetTable
from opskit.transfer.target import Connection, copy_out, identifier
from opskit.transfer.wide import any_exceeds
from opskit.transfer.wide_source import WideRow, read_wide_rows
from opskit.transfer.workers import Advance, Ends

_SCRATCH = """
CREATE TABLE here (digest);
CREATE TABLE there (digest, place TEXT);
CREATE TABLE missing (digest INTEGER PRIMARY KEY, count INTEGER);
"""
_COUNT = """
INSERT INTO missing
SELECT digest, sum(number) FROM (SELECT digest, count(*) AS number FROM here GROUP BY digest
                                 UNION ALL SELECT digest, -count(*) FROM there GROUP BY digest)
GROUP BY digest HAVING sum(number) <> 0;
"""
"""How many more rows with a line the file holds; less than nothing where PostgreSQL holds more."""

_SURPLUS = """
SELECT place FROM (
    SELECT place, count, row_number() OVER (PARTITION BY there.digest) AS number
    FROM there JOIN missing ON missing.digest = there.digest WHERE count < 0)
WHERE number <= -count
"""
_TAKE = "UPDATE missing SET count = count - 1 WHERE digest = ? AND count > 0 RETURNING 1"
_DELETE = sql.SQL("DELETE FROM {} WHERE ctid = ANY (%s::tid[])")

_AT_ONCE = 10_000


def replace_rows(ends: Ends, source: SourceTable, target: TargetTable, advance: Advance) -> Copied:
    """Removes the rows that only the target has, and copies those that only the source has.

    Inside a transaction of the target, whose rows nobody else changes.

    Returns:
        what a copy of the whole table would have been, so that the table can be proven by it.

    Raises:
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    with closing(apsw.Connection("")) as scratch:
        rows(scratch, "BEGIN")
        rows(scratch, _SCRATCH)
        held, aside = _note_source(ends.reader, scratch, source, advance)
        executemany(scratch, "INSERT INTO there VALUES (?, ?)", _places(ends.writer, target))
        rows(scratch, _COUNT)
        _remove_surplus(ends.writer, scratch, target)
        patience = Patience(ends.writer, target)
        missing = bool(rows(scratch, "SELECT 1 FROM missing WHERE count > 0 LIMIT 1"))
        lost = _copy_missing(ends.reader, scratch, source, patience) if missing else ()
        refused = patience.refused
    held = Digest(held.rows - len(lost), held.total - sum(lost))
    return Copied(held, 0, aside + len(lost), held.rows, 0.0, refused)


def _note_source(
    reader: apsw.Connection, scratch: apsw.Connection, source: SourceTable, advance: Advance
) -> tuple[Digest, int]:
    """Notes the digests of all lines; returns their sum, and how many rows do not fit."""
    held, aside = Digest(), 0
    for block in chain(_blocks(reader, source), (row.block for row in read_wide_rows(reader, source))):
        executemany(scratch, "INSERT INTO here VALUES (?)", ((_signed(line),) for line in block.lines))
        held += digest(block.lines)
        aside += block.set_aside
        advance(block.rows)
    return held, aside


def _places(writer: Connection, target: TargetTable) -> Iterator[tuple[int, str]]:
    """The digest of every line in the target, and where its row lies."""
    placed = replace(target, columns=("ctid", *target.columns))
    for lines in copy_out(writer, placed):
        for line in lines:
            place, _, rest = line.partition(b"\t")
            yield _signed(rest), place.decode()


def _remove_surplus(writer: Connection, scratch: apsw.Connection, target: TargetTable) -> None:
    places = (str(place) for (place,) in cursor(scratch, _SURPLUS))
    while batch := list(islice(places, _AT_ONCE)):
        writer.execute(_DELETE.format(identifier(target)), (batch,))


def _copy_missing(
    reader: apsw.Connection, scratch: apsw.Connection, source: SourceTable, patience: Patience
) -> Sequence[int]:
    """Copies what only the source has; returns the digests of lines that the server refused."""
    tried: list[int] = []

    def wanted(block: Block) -> Block:
        lines = [line for line in block.lines if rows(scratch, _TAKE, (_signed(line),))]
        return block_of(lines)

    def blocks() -> Iterator[Block]:
        for block in map(wanted, _blocks(reader, source)):
            if block.rows:
                tried.extend(map(row_digest, block.lines))
                yield block

    def singly() -> Iterator[WideRow]:
        for row in read_wide_rows(reader, source):
            block = wanted(row.block)
            if block.rows:
                tried.extend(map(row_digest, block.lines))
                yield replace(row, block=block)

    for _ in chain(patience.copied(blocks()), patience.inserted(singly())):
        pass  # what comes by has been copied
    return [one for one in tried if one in patience.refused]


def _blocks(reader: apsw.Connection, source: SourceTable) -> Iterator[Block]:
    wide = any_exceeds(source.columns)
    return read_blocks(reader, source, f"NOT {wide}" if wide else "")


def _signed(line: bytes) -> int:
    """A line's digest as SQLite holds numbers."""
    return row_digest(line) - 2**63
