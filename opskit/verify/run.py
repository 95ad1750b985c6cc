"""Performs a comparison: the schema, the views, the key generators, and the rows of every table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import apsw
import psycopg

from opskit.errors import QueryFailed
from opskit.runs.progress import Progress
from opskit.schema.design import Design
from opskit.schema.designer import design
from opskit.schema.matching import match, matched_names
from opskit.schema.model import Schema, ascii_fold
from opskit.schema.names import NameMap, map_names
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.sqlite_file import existing, open_read_only, refusal
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.sqlite_source import copy_source, room_for_copies
from opskit.schema.target_schema import TargetSchema
from opskit.transfer.functions import register
from opskit.transfer.refusals import accepted, is_refusal
from opskit.transfer.target import Connection, connect, server_words
from opskit.transfer.wide import hashed
from opskit.transfer.wide_source import sized
from opskit.verify.existing import left_behind, plan_matched
from opskit.verify.expected import CannotRemake, remake
from opskit.verify.findings import Difference, Finding
from opskit.verify.generators import NO_GENERATOR, generator_findings, highest_keys
from opskit.verify.moments import converted_types
from opskit.verify.plan import ComparedTable, Comparison, plan_comparison, presumed_choices
from opskit.verify.schema_comparison import compare_schemas
from opskit.verify.tables import Level, Tables, TableVerdict
from opskit.verify.views import Views


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared with what.

    Attributes:
        target: libpq parameters or a connection string; holds the password, so texts leave it out.
        schema: where in the target the application's tables are.
        fold: `migrate` has made names lower case.
        overrides: "table.column" → normalized PostgreSQL type, as configured.
        into_existing: the application has made the tables itself: only their content is compared.
    """

    name: str
    source: Path
    target: Mapping[str, str | int] | str = field(repr=False)
    schema: str = "public"
    fold: bool = False
    overrides: Mapping[str, str] = field(default_factory=dict[str, str])
    into_existing: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one database.

    Attributes:
        faults: what the target's schema lacks or has otherwise than `migrate` would have made it.
        notes: what the operator should know, and no difference.
    """

    name: str
    level: Level
    tables: tuple[TableVerdict, ...]
    faults: tuple[Finding, ...]
    notes: tuple[Finding, ...]

    def equal(self) -> bool:
        """Do both sides hold the same?"""
        return not self.faults and all(table.equal for table in self.tables)


def verify(sides: Sides, level: Level, state_dir: Path, progress: Progress) -> Verdict:
    """Compares a SQLite file with a PostgreSQL schema, each in one snapshot.

    Args:
        state_dir: where the file is copied to while it is compared.

    Raises:
        Refused: the file cannot be read or copied.
        ConnectionFailed: the server cannot be reached.
        QueryFailed: the server failed on the way.
    """
    existing(sides.source)  # before the server is asked and anything is copied
    with ExitStack() as stack:
        copy = stack.enter_context(room_for_copies(state_dir)) / "source.db"
        connection = connect(sides.target, "opskit verify")
        stack.callback(connection.close)
        progress.stage(f"{sides.name}: copy the source")
        copy_source(sides.source, copy)
        reader = open_read_only(copy)
        stack.callback(reader.close)
        register(reader)
        try:
            return _Compared(sides, level, progress, reader, connection).verdict()
        except apsw.Error as error:
            raise refusal(sides.source, error) from error
        except psycopg.Error as error:
            message = f"{sides.name}: {server_words(error)}"
            raise QueryFailed.of("verify_failed", message, hint="run again", where=sides.name) from error


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the target is held against.

    Attributes:
        names: what the source's tables and columns are called in the target.
        expected: what `migrate` would have made; None when that does not matter or could not be found out.
    """

    comparison: Comparison
    names: NameMap
    expected: TargetSchema | None = None
    notes: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Compared:
    """Both ends of one database while it is compared."""

    sides: Sides
    level: Level
    progress: Progress
    reader: apsw.Connection
    connection: Connection

    def verdict(self) -> Verdict:
        source, found = read_schema(self.reader), read_target_schema(self.connection, self.sides.schema)
        self.progress.stage(f"{self.sides.name}: verify the schema")
        is_own = self.sides.into_existing
        wanted = self._matched(source, found) if is_own else self._designed(source, found)
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            differences = [
                *self._differences(wanted, source, found),
                *self._generators(wanted, source, found),
            ]
            faults = [one.finding for one in differences if self._is_fault(one)]
            notes = [one.finding for one in differences if one.finding not in faults]
            tables = Tables(self.sides.name, self.level, self.reader, self.connection, self.progress)
            verdicts = tuple(tables.verdict(self._sized(one, source)) for one in wanted.comparison.tables)
        comparison = wanted.comparison
        return Verdict(
            self.sides.name,
            self.level,
            verdicts,
            (*comparison.faults, *faults),
            (*comparison.notes, *notes, *_set_aside(comparison, verdicts), *wanted.notes),
        )

    def _sized(self, table: ComparedTable, source: Schema) -> ComparedTable:
        """With its large values known, unless only rows are counted."""
        if self.level is Level.COUNTS:
            return table
        pair, model = table.pair, source.table(table.pair.source.name)
        read = sized(self.reader, model, pair.source)
        target = replace(pair.target, hashed=hashed(read, pair.target.columns))
        copied = sized(self.reader, model, table.copied) if table.rejects else table.copied
        return replace(table, pair=replace(pair, source=read, target=target), copied=copied)

    def _designed(self, source: Schema, found: TargetSchema) -> _Wanted:
        """Against what `migrate` would have made."""
        names = map_names(source, fold=self.sides.fold)
        converted = converted_types(self.reader, source, found, names, self.sides.overrides)
        choices = presumed_choices(source, found, names, converted)
        wanted = accepted(self.connection, partial(design, source, choices, names))
        expected, notes = self._expected(wanted)
        return _Wanted(plan_comparison(source, found, names, wanted, expected), names, expected, notes)

    def _matched(self, source: Schema, found: TargetSchema) -> _Wanted:
        """Against what the application has made itself: its rules are its own business."""
        matching = match(source, found, map_names(source, fold=self.sides.fold))
        names = matched_names(matching)
        converted = converted_types(self.reader, source, found, names, self.sides.overrides)
        left = left_behind(self.reader, source, matching)
        return _Wanted(plan_matched(matching, found.name, left, converted), names)

    def _differences(self, wanted: _Wanted, source: Schema, found: TargetSchema) -> Iterator[Difference]:
        if self.sides.into_existing:
            return
        if wanted.expected:
            yield from compare_schemas(wanted.expected, found)
        tables = wanted.comparison.tables
        incomplete = frozenset(ascii_fold(one.pair.source.name) for one in tables if one.rejects)
        views = Views(self.reader, self.connection, source, found, wanted.expected, wanted.names, incomplete)
        yield from views.missing()
        if self.level is not Level.COUNTS:
            yield from views.different()

    def _generators(self, wanted: _Wanted, source: Schema, found: TargetSchema) -> Iterator[Difference]:
        highest = highest_keys(self.connection, source, found, wanted.names)
        for finding in generator_findings(source, found, wanted.names, highest):
            own_choice = self.sides.into_existing and finding.code == NO_GENERATOR
            yield Difference(finding, fault=not own_choice)

    def _expected(self, wanted: Design) -> tuple[TargetSchema | None, tuple[Finding, ...]]:
        """What `migrate` would have made, or a note that it could not be found out."""
        try:
            return remake(self.connection, wanted, self.sides.schema), ()
        except CannotRemake as error:
            message = f"was compared by its tables and columns only: {error}"
            return None, (Finding("schema_not_compared", f"schema {self.sides.schema}", message),)

    def _is_fault(self, difference: Difference) -> bool:
        """Whether a difference is one: what the rows do not allow, `migrate` has left out."""
        if not difference.fault or not difference.unless:
            return difference.fault
        try:
            with self.connection.transaction():
                return self.connection.execute(difference.unless.encode()).fetchone() != (True,)
        except psycopg.Error as error:
            if not is_refusal(error):
                raise
            return False


def _set_aside(comparison: Comparison, verdicts: Sequence[TableVerdict]) -> Iterator[Finding]:
    for table, verdict in zip(comparison.tables, verdicts, strict=True):
        if verdict.set_aside:
            message = f"does not hold {verdict.set_aside} rows: they are kept in {table.rejects}"
            yield Finding("rows_set_aside", f"table {table.pair.target.name}", message)
