"""Decides how data goes into a schema that the application made itself (`--into-existing`).

Pure. The data is staged in tables with the target's own column types, proven there, and moved in one go. What
the application made stays as it is: rules, keys, triggers, defaults.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from opskit.migrate.existing_steps import Fill, FilledTable, KeyGenerator
from opskit.migrate.facts import Job, SourceFacts
from opskit.schema.design import ColumnDesign, Design, TableDesign
from opskit.schema.matching import ColumnMatch, Matching, TableMatch, load_order
from opskit.schema.model import ascii_fold
from opskit.schema.names import quote
from opskit.schema.target_schema import PgColumn, TargetSchema


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows that stood in a target table before.

    Attributes:
        strangers: keys that the source lacks; None when there are too many rows to look, or no key.
        changed: how many rows are not as in the source.
    """

    rows: int
    strangers: tuple[str, ...] | None
    changed: int = 0


@dataclass(frozen=True, slots=True)
class ExistingFacts:
    """The schema that the application made, and what of the source belongs where.

    Attributes:
        holding: the target's tables that hold rows.
        standing: target table → its rows, for matched tables that hold some.
        foreign: matched tables whose owner this role is not.
    """

    schema: TargetSchema
    matching: Matching
    holding: frozenset[str]
    standing: Mapping[str, Standing]
    foreign: frozenset[str]


def target_types(matching: Matching, overrides: Mapping[str, str]) -> Mapping[str, str]:
    """Source "table.column" → the type that its values must fit.

    Args:
        overrides: what the operator says of single columns, such as the unit of a number that means a moment.
    """
    types = {
        f"{table.source.name}.{column.source}": column.pg_type
        for table in matching.tables
        for column in table.copied()
    }
    return {name: overrides.get(name, pg_type) for name, pg_type in types.items()}


def typed(job: Job, existing: ExistingFacts | None) -> Job:
    """The job, in which the types of a target that is there already are given."""
    return job if existing is None else replace(job, overrides=target_types(existing.matching, job.overrides))


def design_into(existing: ExistingFacts, source: SourceFacts) -> Design:
    """The tables that are staged; everything else is the application's own."""
    tables = tuple(_staged(table, existing.schema.name, source) for table in existing.matching.tables)
    return Design(tables=tables, rules=(), views=(), triggers=(), told=tuple(_told(existing, source)))


def fill(job: Job, existing: ExistingFacts, source: SourceFacts) -> Fill:
    """What moves the staged rows into the application's tables."""
    matched = {table.target.name: table for table in existing.matching.tables}
    order = load_order((table.target for table in matched.values()), existing.schema.name)
    return Fill(
        job.name,
        job.staging,
        existing.schema.name,
        tuple(_filled(matched[name], existing, source) for name in order.tables),
        order.circular,
    )


def _staged(table: TableMatch, schema: str, source: SourceFacts) -> TableDesign:
    columns = tuple(_column(table, column, source) for column in table.copied())
    listed = ", ".join(quote(column.target) for column in columns)
    name = quote(table.target.name)
    # UNLOGGED: what is staged never outlives the run, and this halves what it writes
    create = f"CREATE UNLOGGED TABLE {name} AS SELECT {listed} FROM {quote(schema)}.{name} WITH NO DATA"
    return TableDesign(table.source.name, table.target.name, columns, create, table.source.primary_key)


def _column(table: TableMatch, column: ColumnMatch, source: SourceFacts) -> ColumnDesign:
    choice = source.choices[table.source.name][column.source]
    return ColumnDesign(column.source, column.target.name, choice.pg_type, "the type it has in the target")


def _filled(table: TableMatch, existing: ExistingFacts, source: SourceFacts) -> FilledTable:
    name = table.target.name
    rows = source.profiles[table.source.name].rows
    standing = existing.standing.get(name)
    return FilledTable(
        table.source.name,
        name,
        tuple(column.target.name for column in table.copied()),
        rows,
        standing.rows if standing and rows else 0,
        tuple(_generators(table)),
    )


def _generators(table: TableMatch) -> Iterator[KeyGenerator]:
    for column in table.copied():
        sequence = column.target.sequence
        if sequence is not None and sequence.increment > 0:
            last_key = table.source.last_key if column.source == table.source.rowid_alias else None
            yield KeyGenerator(column.target.name, sequence, last_key)


def _told(existing: ExistingFacts, source: SourceFacts) -> Iterator[str]:
    matching = existing.matching
    if matching.bookkeeping:
        yield f"left alone, as migration tools keep their records there: {', '.join(matching.bookkeeping)}"
    for name in matching.homeless:
        rows = source.profiles[name].rows
        what = (
            f"its {rows} rows are left behind, as searching is the target's own"
            if rows
            else "it holds no row"
        )
        yield f"table {name} has no counterpart in the target; {what}"
    for table in matching.tables:
        yield from _table_told(table, existing, source)
    left_out = tuple(_left_out(existing.schema, source))
    if left_out:
        yield f"not made in the target, whose schema is the application's: {', '.join(left_out)}"


def _left_out(target: TargetSchema, source: SourceFacts) -> Iterator[str]:
    """What the source has beside tables and the application has not made under the same name."""
    triggers = {trigger.name for table in target.tables.values() for trigger in table.triggers}
    made = {ascii_fold(name) for name in (*target.views, *target.tables, *triggers)}
    others = (
        *(("view", view.name) for view in source.schema.views),
        *(("trigger", trigger.name) for trigger in source.schema.triggers),
    )
    for kind, name in others:
        if ascii_fold(name) not in made:
            yield f"{kind} {name}"


def _table_told(table: TableMatch, existing: ExistingFacts, source: SourceFacts) -> Iterator[str]:
    name = table.target.name
    rows = source.profiles[table.source.name].rows
    for column in table.homeless:
        values = source.profiles[table.source.name].columns[column].filled()
        left = f"its {values} values are left behind" if values else "it holds no value"
        yield f"column {column} of table {table.source.name} has no counterpart in the target; {left}"
    standing = existing.standing.get(name)
    if standing and not rows:
        yield f"table {name} keeps its {standing.rows} rows, the source has none"
    if not rows:
        return
    if standing:
        same = f"table {name}: the source's rows replace {standing.rows} of the same keys that stood there"
        yield f"{same}, of which {standing.changed} differ" if standing.changed else same
    defaulted = [column.name for column in table.added if column.generated is None]
    if defaulted:
        yield f"table {name}: only in the target, so they take their defaults: {', '.join(defaulted)}"
    yield from _columns_told(table)
    for trigger in table.target.triggers:
        if trigger.enabled and "INSERT" in trigger.events:
            yield f"trigger {trigger.name} of table {name} does not fire for the rows that are moved in"


def _columns_told(table: TableMatch) -> Iterator[str]:
    for column in table.columns:
        what = f"column {column.target.name} of table {table.target.name}"
        if column.target.generated is not None:
            yield f"{what} is computed by the target"
        elif column.pg_type == "interval":
            yield f"{what}: its numbers are taken for microseconds, as Django keeps durations in SQLite"


def required(column: PgColumn) -> bool:
    """Must a row bring a value for it?"""
    return column.not_null and column.default is None and column.generated is None and column.identity is None
