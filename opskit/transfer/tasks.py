"""What is done on both ends of a database: rows copied, rows digested, statements executed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from opskit.transfer.compare import Differences
from opskit.transfer.digest import Digest, digest
from opskit.transfer.proof import differences, digest_target
from opskit.transfer.source import Block, read_blocks
from opskit.transfer.tables import Pair, SourceTable, TargetTable
from opskit.transfer.target import copy_in
from opskit.transfer.workers import Advance, Ends


@dataclass(slots=True)
class Copied:
    """What copying some rows took and gave.

    Attributes:
        bytes: of the COPY stream.
        set_aside: rows that the target cannot hold.
        taken: rows that the server counted.
    """

    digest: Digest = field(default_factory=Digest)
    bytes: int = 0
    set_aside: int = 0
    taken: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CopyRows:
    """Copies the rows of a source table, or of a span of it; their digest is taken on the way."""

    source: SourceTable
    target: TargetTable

    def run(self, ends: Ends, advance: Advance) -> Copied:
        """See `Task`."""
        started = time.monotonic()
        copied = Copied()
        blocks = _accounted(read_blocks(ends.reader, self.source), copied, advance)
        copied.taken = copy_in(ends.writer, self.target, blocks)
        copied.seconds = time.monotonic() - started
        return copied


@dataclass(frozen=True, slots=True)
class DigestRows:
    """Takes the digest of a target table."""

    target: TargetTable

    def run(self, ends: Ends, advance: Advance) -> Digest:
        """See `Task`."""
        return digest_target(ends.writer, self.target, advance)


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


def _accounted(blocks: Iterator[Block], copied: Copied, advance: Advance) -> Iterator[Block]:
    for block in blocks:
        copied.digest += digest(block.lines())
        copied.bytes += len(block.data)
        copied.set_aside += block.set_aside
        yield block
        advance(block.rows)
