"""What is done on both ends of a database: rows copied, rows digested, statements executed."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice

import psycopg
from psycopg import sql

from opskit.transfer.compare import Differences
from opskit.transfer.copied import Copied
from opskit.transfer.digest import Digest, digest, row_digest
from opskit.transfer.patience import Patience
from opskit.transfer.proof import differences, digest_source, digest_target
from opskit.transfer.refusals import refuses_row
from opskit.transfer.rejects import Reject, read_lines, read_rejects
from opskit.transfer.source import Block, read_blocks
from opskit.transfer.tables import Pair, SourceTable, TargetTable
from opskit.transfer.target import copy_in, identifier
from opskit.transfer.wide import any_exceeds
from opskit.transfer.wide_source import WideRow, read_wide_rows
from opskit.transfer.wide_target import insert_wide
from opskit.transfer.workers import Advance, Ends


@dataclass(frozen=True, slots=True)
class CopyRows:
    """Copies the rows of a source table, or of a span of it; their digest is taken on the way."""

    source: SourceTable
    target: TargetTable

    def run(self, ends: Ends, advance: Advance) -> Copied:
        """See `Task`."""
        started = time.monotonic()
        account = _Account(advance)
        try:
            with ends.writer.transaction():
                self._in_one_go(ends, account)
        except psycopg.Error as error:
            if not refuses_row(error):
                raise
            advance(-account.advanced)
            account = _Account(advance)
            self._patiently(ends, account)
        return account.copied(time.monotonic() - started)

    def _in_one_go(self, ends: Ends, account: "_Account") -> None:
        wide = any_exceeds(self.source.columns)
        account.taken = copy_in(ends.writer, self.target, account.kept(self._blocks(ends, wide)))
        if wide:
            singly = account.kept_singly(read_wide_rows(ends.reader, self.source))
            account.taken += insert_wide(ends.writer, self.target, singly)

    def _patiently(self, ends: Ends, account: "_Account") -> None:
        """What the server refuses is left out."""
        wide = any_exceeds(self.source.columns)
        patience = Patience(ends.writer, self.target)
        blocks = account.kept(patience.copied(self._blocks(ends, wide)))
        singly = account.kept_singly(patience.inserted(read_wide_rows(ends.reader, self.source)))
        for _ in chain(blocks, singly):
            pass  # what comes by has been copied
        account.taken, account.refused = patience.taken, patience.refused

    def _blocks(self, ends: Ends, wide: str) -> Iterator[Block]:
        return read_blocks(ends.reader, self.source, f"NOT {wide}" if wide else "")


@dataclass(frozen=True, slots=True)
class DigestRows:
    """Takes the digest of a target table."""

    target: TargetTable

    def run(self, ends: Ends, advance: Advance) -> Digest:
        """See `Task`."""
        return digest_target(ends.writer, self.target, advance)


@dataclass(frozen=True, slots=True)
class DigestSource:
    """Takes the digest of a source table."""

    source: SourceTable

    def run(self, ends: Ends, advance: Advance) -> Digest:
        """See `Task`."""
        return digest_source(ends.reader, self.source, advance)


@dataclass(frozen=True, slots=True)
class FindDifferences:
    """Finds the rows in which both sides of a table differ."""

    pair: Pair

    def run(self, ends: Ends, _: Advance) -> Differences:
        """See `Task`."""
        return differences(ends.reader, ends.writer, self.pair)


@dataclass(frozen=True, slots=True)
class ReadRejects:
    """Reads the first rows that the target cannot hold."""

    source: SourceTable
    key: tuple[str, ...]
    refused: Mapping[int, str]
    limit: int

    def run(self, ends: Ends, _: Advance) -> list[Reject]:
        """See `Task`."""
        rejects = read_rejects(ends.reader, self.source, self.key, self.refused)
        return list(islice(rejects, self.limit))


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A row that was refused, tried again with the values of its generated columns.

    Attributes:
        line: the digest of its line; `whole` of that with the generated columns.
        words: what the server says now; empty when it takes the row.
    """

    line: int
    whole: int
    words: str


@dataclass(frozen=True, slots=True)
class TryRows:
    """Tries rows that the server refused once more, in a table like theirs that computes nothing.

    Attributes:
        source: how the rows were copied; `whole`: how they are read with the generated columns.
        target: the table, with the generated columns.
    """

    source: SourceTable
    whole: SourceTable
    target: TargetTable
    refused: frozenset[int]

    def run(self, ends: Ends, _: Advance) -> list[TriedRow]:
        """See `Task`."""
        patience = Patience(ends.writer, TargetTable("pg_temp", _LIKE, self.target.columns))
        ends.writer.execute(_MAKE_LIKE.format(sql.Identifier(_LIKE), identifier(self.target)))
        tried = [
            TriedRow(row_digest(line), row_digest(whole), patience.objection(whole))
            for line, whole in read_lines(ends.reader, self.source, self.whole)
            if row_digest(line) in self.refused
        ]
        ends.writer.execute(_DROP_LIKE.format(sql.Identifier("pg_temp", _LIKE)))
        return tried


_LIKE = "opskit_like"
_MAKE_LIKE = sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {})")
_DROP_LIKE = sql.SQL("DROP TABLE {}")


@dataclass(frozen=True, slots=True)
class Execute:
    """Executes a statement on the target."""

    statement: str

    def run(self, ends: Ends, _: Advance) -> None:
        """See `Task`."""
        ends.writer.execute(self.statement.encode())


@dataclass(slots=True)
class _Account:
    """Keeps account of blocks that pass by."""

    advance: Advance
    digest: Digest = field(default_factory=Digest)
    bytes: int = 0
    set_aside: int = 0
    taken: int = 0
    refused: Mapping[int, str] = field(default_factory=dict[int, str])
    advanced: int = 0

    def copied(self, seconds: float) -> Copied:
        return Copied(self.digest, self.bytes, self.set_aside, self.taken, seconds, self.refused)

    def kept(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self._note(block)
            yield block
            self._go_on(block)

    def kept_singly(self, rows: Iterator[WideRow]) -> Iterator[WideRow]:
        for row in rows:
            self._note(row.block)
            yield row
            self._go_on(row.block)

    def _go_on(self, block: Block) -> None:
        self.advanced += block.rows
        self.advance(block.rows)

    def _note(self, block: Block) -> None:
        self.digest += digest(block.lines)
        self.bytes += len(block.data)
        self.set_aside += block.set_aside
