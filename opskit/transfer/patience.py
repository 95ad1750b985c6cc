"""Copies rows although the server refuses some: these are found by halving, all others arrive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import psycopg

from opskit.transfer.digest import row_digest
from opskit.transfer.refusals import refuses_row
from opskit.transfer.source import MISFIT, Block, block_of
from opskit.transfer.tables import TargetTable
from opskit.transfer.target import Connection, copy_in, server_words
from opskit.transfer.wide_source import WideRow
from opskit.transfer.wide_target import insert_wide


@dataclass(slots=True)
class Patience:
    """Copies block by block, each on its own: in a transaction, or behind a savepoint of one.

    A block of n lines of which r are refused takes at most about 2 r log n statements.

    Attributes:
        taken: rows that the server counted.
        refused: digest of a line → the server's words.
    """

    connection: Connection
    table: TargetTable
    taken: int = 0
    refused: dict[int, str] = field(default_factory=dict[int, str])

    def copied(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Copies blocks; yields of each what the server took.

        Raises:
            psycopg.Error: the server went away, or objects to something else than rows.
        """
        for block in blocks:
            lines = self._copied(block.lines)
            yield block_of(lines, block.set_aside + block.rows - len(lines))

    def inserted(self, rows: Iterator[WideRow]) -> Iterator[WideRow]:
        """The same for rows that are too large for a line."""
        for row in rows:
            try:
                self.taken += insert_wide(self.connection, self.table, iter([row]))
            except psycopg.Error as error:
                self._note(row.block.lines[0], error)
                yield replace(row, block=block_of((), row.block.set_aside + 1))
            else:
                yield row

    def objection(self, line: bytes) -> str:
        """What the server says against a row; empty when it takes it."""
        if MISFIT in line:
            return "a value does not fit its column"
        return "" if self._copied([line]) else self.refused[row_digest(line)]

    def _copied(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """The lines that the server took."""
        try:
            with self.connection.transaction():
                self.taken += copy_in(self.connection, self.table, [block_of(lines)])
        except psycopg.Error as error:
            if len(lines) == 1:
                self._note(lines[0], error)
                return []
            if not refuses_row(error):
                raise
            middle = len(lines) // 2
            return [*self._copied(lines[:middle]), *self._copied(lines[middle:])]
        return lines

    def _note(self, line: bytes, error: psycopg.Error) -> None:
        if not refuses_row(error):
            raise error
        self.refused[row_digest(line)] = server_words(error)
