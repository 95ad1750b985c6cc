"""Performs a comparison: the schema, the views, the key generators, and the rows of every table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import psycopg

from opskit.errors import QueryFailed
from opskit.runs.progress import Progress
from opskit.schema.design import Design
from opskit.schema.designer import design
from opskit.schema.names import map_names
from opskit.schema.postgresql_reader import read_target_schema
from opskit.schema.sqlite_file import existing, open_read_only, refusal
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.sqlite_source import copy_source, room_for_copies
from opskit.schema.target_schema import TargetSchema
from opskit.transfer.functions import register
from opskit.transfer.target import Connection, connect, server_words
from opskit.verify.expected import CannotRemake, remake
from opskit.verify.findings import Difference, Finding
from opskit.verify.generators import generator_faults, highest_keys
from opskit.verify.moments import converted_types
from opskit.verify.plan import Comparison, plan_comparison, presumed_choices
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
    """

    name: str
    source: Path
    target: Mapping[str, str | int] | str = field(repr=False)
    schema: str = "public"
    fold: bool = False
    overrides: Mapping[str, str] = field(default_factory=dict[str, str])


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
class _Compared:
    """Both ends of one database while it is compared."""

    sides: Sides
    level: Level
    progress: Progress
    reader: apsw.Connection
    connection: Connection

    def verdict(self) -> Verdict:
        source, found = read_schema(self.reader), read_target_schema(self.connection, self.sides.schema)
        names = map_names(source, fold=self.sides.fold)
        self.progress.stage(f"{self.sides.name}: verify the schema")
        converted = converted_types(self.reader, source, found, names, self.sides.overrides)
        wanted = design(source, presumed_choices(source, found, names, converted), names)
        expected, told = self._expected(wanted)
        comparison = plan_comparison(source, found, names, wanted, expected)
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            differences = list(compare_schemas(expected, found)) if expected else []
            if self.level is not Level.COUNTS:
                views = Views(self.reader, self.connection, source, found, expected, names)
                differences.extend(views.differences())
            faults = [one.finding for one in differences if self._is_fault(one)]
            notes = [one.finding for one in differences if one.finding not in faults]
            highest = highest_keys(self.connection, source, found, names)
            faults.extend(generator_faults(source, found, names, highest))
            tables = Tables(self.sides.name, self.level, self.reader, self.connection, self.progress)
            verdicts = tuple(map(tables.verdict, comparison.tables))
            notes.extend(_set_aside(comparison, verdicts))
        return Verdict(
            self.sides.name,
            self.level,
            verdicts,
            (*comparison.faults, *faults),
            (*comparison.notes, *notes, *told),
        )

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
            if error.sqlstate is None:
                raise
            return False


def _set_aside(comparison: Comparison, verdicts: Sequence[TableVerdict]) -> Iterator[Finding]:
    for table, verdict in zip(comparison.tables, verdicts, strict=True):
        if verdict.set_aside:
            message = f"does not hold {verdict.set_aside} rows: they are kept in {table.rejects}"
            yield Finding("rows_set_aside", f"table {table.pair.target.name}", message)
