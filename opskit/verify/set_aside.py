"""Rows that a table cannot hold: each must be in the table of rejects beside it, and nothing else may."""

import json
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

import apsw
from psycopg import sql

from opskit.transfer.compare import REPORTED
from opskit.transfer.rejects import Reject, find_lines, read_rejects
from opskit.transfer.tables import REJECTS_COLUMNS, Pair, SourceTable
from opskit.transfer.target import Connection

_Row = tuple[str, Hashable]
"""What identifies a reject, and all of its values."""


@dataclass(frozen=True, slots=True)
class RejectsTable:
    """The table of rejects beside a table; without a name, there is none."""

    connection: Connection
    schema: str
    name: str | None

    def count(self) -> int:
        """How many rows it keeps.

        Raises:
            psycopg.Error: the server refused or went away.
        """
        if self.name is None:
            return 0
        counting = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(self.schema, self.name))
        row = self.connection.execute(counting).fetchone()
        return cast("int", row[0]) if row else 0

    def rows(self) -> Counter[_Row]:
        """What it keeps.

        Raises:
            psycopg.Error: the server refused or went away.
        """
        if self.name is None:
            return Counter()
        key, _, row = map(sql.Identifier, REJECTS_COLUMNS)
        table = sql.Identifier(self.schema, self.name)
        found = self.connection.execute(sql.SQL("SELECT {}, {}::text FROM {}").format(key, row, table))
        return Counter((one, _values(row)) for one, row in cast("Iterator[tuple[str, str]]", found))


@dataclass(frozen=True, slots=True)
class SetAside:
    """What was found about rows that a table cannot hold.

    Attributes:
        unlike: one sentence for each row that does not fit and is not kept, and for each that is kept and not
            in the source.
        refused: digests of lines whose rows are kept although their values fit: the server refused them.
    """

    unlike: tuple[str, ...]
    refused: frozenset[int] = frozenset()


def compare_rejects(reader: apsw.Connection, copied: SourceTable, pair: Pair, kept: RejectsTable) -> SetAside:
    """Holds the rows that are kept beside a table against the source.

    Args:
        copied: how `migrate` reads the table.

    Raises:
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    there = kept.rows()
    unlike: list[str] = []
    for reject in read_rejects(reader, copied, pair.key):
        row = _row(reject)
        if there[row]:
            there[row] -= 1
        elif len(unlike) < REPORTED:
            place = f"not in {kept.name}" if kept.name else "does not fit"
            unlike.append(f"{place}: {reject.key} ({reject.reason})")
    refused = _refused(reader, copied, pair, there)
    return SetAside((*unlike, *(f"extra in {kept.name}: {key}" for key, _ in there.elements())), refused)


def _refused(
    reader: apsw.Connection, copied: SourceTable, pair: Pair, there: Counter[_Row]
) -> frozenset[int]:
    """Takes from the rows that are kept those that the source holds; returns the digests of their lines."""
    keys = {key for key, _ in there.elements()}
    if not keys:
        return frozenset()
    digests: set[int] = set()
    for reject, line in find_lines(reader, copied, pair.key, keys, pair.source):
        row = _row(reject)
        if there[row]:
            there[row] -= 1
            digests.add(line)
    return frozenset(digests)


def _row(reject: Reject) -> _Row:
    return reject.key, _values(reject.row)


def _values(row: str) -> Hashable:
    """A row's JSON as a value to compare: names in order, numbers exact."""
    return cast(
        "Hashable",
        json.loads(
            row,
            parse_int=Decimal,
            parse_float=Decimal,
            object_pairs_hook=lambda pairs: tuple(sorted(pairs, key=lambda pair: pair[0])),
        ),
    )
