"""Proof that a table arrived: digests of both sides, and the rows that differ when they do."""

from collections.abc import Callable, Iterable
from itertools import chain

import apsw

from opskit.transfer.compare import Differences, Shape, find_differences
from opskit.transfer.digest import Digest, digest
from opskit.transfer.source import read_blocks
from opskit.transfer.tables import Pair, SourceTable, TargetTable
from opskit.transfer.target import Connection, copy_out

Advance = Callable[[int], None]
"""Called with the number of rows done since the last call."""


def shape(pair: Pair) -> Shape:
    """What the comparison of lines needs to know."""
    names = tuple(column.name for column in pair.source.columns)
    types = tuple(column.pg_type for column in pair.source.columns)
    return Shape(names, types, tuple(names.index(name) for name in pair.key if name in names))


def digest_source(reader: apsw.Connection, table: SourceTable, advance: Advance) -> Digest:
    """The digest of a source table.

    Raises:
        apsw.Error: the file cannot be read.
    """
    total = Digest()
    for block in read_blocks(reader, table):
        total += digest(block.lines)
        advance(block.rows)
    return total


def digest_target(connection: Connection, table: TargetTable, advance: Advance) -> Digest:
    """The digest of a target table.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    total = Digest()
    for lines in copy_out(connection, table):
        total += digest(lines)
        advance(len(lines))
    return total


def differences(reader: apsw.Connection, connection: Connection, pair: Pair) -> Differences:
    """The rows in which both sides differ, also when only their number does."""

    def source() -> Iterable[bytes]:
        return (line for block in read_blocks(reader, pair.source) for line in block.lines)

    def target() -> Iterable[bytes]:
        return chain.from_iterable(copy_out(connection, pair.target))

    return find_differences(source, target, shape(pair))
