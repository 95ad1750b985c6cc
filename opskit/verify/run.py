"""Performs a comparison: counts, then digests, then the rows that differ."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import cast

import apsw
import psycopg
from psycopg import sql

from opskit.errors import QueryFailed
from opskit.runs.progress import Progress
from opskit.schema.names import quote
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.sqlite_file import open_read_only, refusal, rows, scalar
from opskit.schema.sqlite_reader import read_schema
from opskit.transfer.functions import register
from opskit.transfer.proof import differences, digest_source, digest_target
from opskit.transfer.source import FramingError
from opskit.transfer.tables import Pair
from opskit.transfer.target import Connection, connect, identifier, server_words
from opskit.verify.plan import SCHEMA, plan_comparison


class Level(Enum):
    """How closely is compared; each level includes the ones before."""

    COUNTS = "counts"
    DIGEST = "digest"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """What was found about one table.

    Attributes:
        differences: one sentence each, the first hundred.
        complete: all differences are named.
    """

    table: str
    source_rows: int
    target_rows: int
    equal: bool
    differences: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one database."""

    name: str
    level: Level
    tables: tuple[TableVerdict, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    def equal(self) -> bool:
        """Do both sides hold the same?"""
        return not self.faults and all(table.equal for table in self.tables)


def verify(
    name: str, source: Path, target: Mapping[str, str | int] | str, level: Level, progress: Progress
) -> Verdict:
    """Compares a SQLite file with a PostgreSQL database, each in one snapshot.

    Raises:
        Refused: the file cannot be read.
        ConnectionFailed: the server cannot be reached.
        QueryFailed: the server failed on the way.
    """
    with ExitStack() as stack:
        reader = open_read_only(source)
        stack.callback(reader.close)
        register(reader)
        connection = connect(target, "opskit verify")
        stack.callback(connection.close)
        try:
            rows(reader, "BEGIN")
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                comparison = plan_comparison(read_schema(reader), read_target_schema(connection, SCHEMA))
                compared = _Compared(name, reader, connection, level, progress)
                verdicts = tuple(compared.table(pair) for pair in comparison.pairs)
        except apsw.Error as error:
            raise refusal(source, error) from error
        except psycopg.Error as error:
            message = f"{name}: {server_words(error)}"
            raise QueryFailed.of("verify_failed", message, hint="run again", where=name) from error
    return Verdict(name, level, verdicts, comparison.faults, comparison.notes)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Both ends of one database while it is compared."""

    name: str
    reader: apsw.Connection
    connection: Connection
    level: Level
    progress: Progress

    def table(self, pair: Pair) -> TableVerdict:
        counted = cast("int", scalar(self.reader, f"SELECT count(*) FROM {quote(pair.source.name)}"))
        if self.level is Level.COUNTS:
            return self._by_count(pair, counted)
        task = f"{self.name}: verify {pair.source.name}"
        self.progress.begin(task, 2 * counted)
        verdict = self._by_digest(pair, lambda done: self.progress.advance(task, done))
        self.progress.end(task)
        return verdict

    def _by_count(self, pair: Pair, counted: int) -> TableVerdict:
        statement = sql.SQL("SELECT count(*) FROM {}").format(identifier(pair.target))
        row = self.connection.execute(statement).fetchone()
        found = cast("int", row[0]) if row else 0
        return TableVerdict(
            pair.source.name, counted, found, counted == found, _count_difference(counted, found)
        )

    def _by_digest(self, pair: Pair, advance: Callable[[int], None]) -> TableVerdict:
        try:
            left = digest_source(self.reader, pair.source, advance)
        except FramingError:  # some text holds the framing characters: let SQLite escape it
            pair = replace(pair, source=replace(pair.source, escaped=True))
            left = digest_source(self.reader, pair.source, advance)
        right = digest_target(self.connection, pair.target, advance)
        verdict = TableVerdict(pair.source.name, left.rows, right.rows, left == right)
        if left == right:
            return verdict
        if self.level is Level.DIGEST:
            return replace(
                verdict, differences=_count_difference(left.rows, right.rows) or ("the content differs",)
            )
        found = differences(self.reader, self.connection, pair)
        named = tuple(map(str, found.rows))
        return replace(verdict, equal=not named, differences=named, complete=found.complete)


def _count_difference(source: int, target: int) -> tuple[str, ...]:
    return () if source == target else (f"{source} rows in the source, {target} in the target",)
