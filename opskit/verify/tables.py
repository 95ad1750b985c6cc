"""Compares the rows of a table: counts, then digests, then the rows that differ and those set aside."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import cast

import apsw
from psycopg import sql

from opskit.runs.progress import Progress
from opskit.schema.names import quote
from opskit.schema.sqlite_file import scalar
from opskit.transfer.compare import REPORTED
from opskit.transfer.proof import differences, digest_source, digest_target
from opskit.transfer.source import FramingError
from opskit.transfer.tables import Pair
from opskit.transfer.target import Connection, identifier
from opskit.verify.plan import ComparedTable
from opskit.verify.set_aside import RejectsTable, compare_rejects


class Level(Enum):
    """How closely is compared; each level includes the ones before."""

    COUNTS = "counts"
    DIGEST = "digest"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """What was found about one table.

    Attributes:
        set_aside: rows of the source that do not fit and are kept in the table of rejects instead.
        differences: one sentence each, the first hundred.
        complete: all differences are named.
    """

    table: str
    source_rows: int
    target_rows: int
    set_aside: int
    equal: bool
    differences: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of both sides while they are compared, inside one snapshot on each."""

    name: str
    level: Level
    reader: apsw.Connection
    connection: Connection
    progress: Progress

    def verdict(self, table: ComparedTable) -> TableVerdict:
        """How a table compares.

        Raises:
            apsw.Error: the file cannot be read.
            psycopg.Error: the server refused or went away.
        """
        pair = table.pair
        counted = cast("int", scalar(self.reader, f"SELECT count(*) FROM {quote(pair.source.name)}"))
        rejects = RejectsTable(self.connection, pair.target.schema, table.rejects)
        kept = rejects.count()
        if self.level is Level.COUNTS:
            return self._by_count(pair, counted, kept)
        task = f"{self.name}: verify {pair.source.name}"
        self.progress.begin(task, 2 * counted)
        aside = compare_rejects(self.reader, table.copied, pair, rejects) if kept else None
        if aside:
            pair = replace(pair, source=replace(pair.source, refused=aside.refused))
        verdict = self._by_digest(pair, lambda done: self.progress.advance(task, done))
        if aside is None and verdict.source_rows < counted:  # digests leave out what does not fit
            aside = compare_rejects(self.reader, table.copied, pair, rejects)
        if aside:
            verdict = replace(
                verdict,
                source_rows=counted,
                set_aside=kept,
                equal=verdict.equal and not aside.unlike,
                differences=(*verdict.differences, *aside.unlike)[:REPORTED],
            )
        self.progress.end(task)
        return verdict

    def _by_count(self, pair: Pair, counted: int, kept: int) -> TableVerdict:
        statement = sql.SQL("SELECT count(*) FROM {}").format(identifier(pair.target))
        row = self.connection.execute(statement).fetchone()
        found = cast("int", row[0]) if row else 0
        unlike = _count_difference(counted, found + kept)
        return TableVerdict(pair.source.name, counted, found, kept, not unlike, unlike)

    def _by_digest(self, pair: Pair, advance: Callable[[int], None]) -> TableVerdict:
        try:
            left = digest_source(self.reader, pair.source, advance)
        except FramingError:  # some text holds the framing characters: let SQLite escape it
            pair = replace(pair, source=replace(pair.source, escaped=True))
            left = digest_source(self.reader, pair.source, advance)
        right = digest_target(self.connection, pair.target, advance)
        verdict = TableVerdict(pair.source.name, left.rows, right.rows, 0, left == right)
        if left == right:
            return verdict
        found = differences(self.reader, self.connection, pair)  # two spellings of one double are none
        if found.rows and self.level is Level.DIGEST:
            summary = _count_difference(left.rows, right.rows) or ("the content differs",)
            return replace(verdict, differences=summary)
        return replace(
            verdict, equal=not found.rows, differences=tuple(map(str, found.rows)), complete=found.complete
        )


def _count_difference(source: int, target: int) -> tuple[str, ...]:
    return () if source == target else (f"{source} rows in the source, {target} in the target",)
