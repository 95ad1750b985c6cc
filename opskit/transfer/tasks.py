"""What is done on both ends of a database: rows copied, rows digested, statements executed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from opskit.transfer.compare import Differences
from opskit.transfer.copied import Copied
from opskit.transfer.digest import Digest, digest
from opskit.transfer.proof import differences, digest_source, digest_target
from opskit.transfer.source import Block, read_blocks
from opskit.transfer.tables import Pair, SourceTable, TargetTable
from opskit.transfer.target import copy_in
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
        wide = any_exceeds(self.source.columns)
        blocks = read_blocks(ends.reader, self.source, f"NOT {wide}" if wide else "")
        taken = copy_in(ends.writer, self.target, account.kept(blocks))
        if wide:
            singly = account.kept_singly(read_wide_rows(ends.reader, self.source))
            taken += insert_wide(ends.writer, self.target, singly)
        return Copied(account.digest, account.bytes, account.set_aside, taken, time.monotonic() - started)


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

    def kept(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self._note(block)
            yield block
            self.advance(block.rows)

    def kept_singly(self, rows: Iterator[WideRow]) -> Iterator[WideRow]:
        for row in rows:
            self._note(row.block)
            yield row
            self.advance(row.block.rows)

    def _note(self, block: Block) -> None:
        self.digest += digest(block.lines())
        self.bytes += len(block.data)
        self.set_aside += block.set_aside
