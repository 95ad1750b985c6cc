"""The stages in which one database is built in its staging schema. Pure.

What stands in one stage takes no lock that keeps the rest of it waiting: rows are copied and indexes built
with SHARE locks, rules are added unchecked in an instant, then validated while every row is read back.
"""

from collections.abc import Iterable, Iterator, Sequence

from opskit.capture.followed import Followed, FollowedColumn, FollowedTable
from opskit.migrate.existing import fill
from opskit.migrate.existing_steps import Fill
from opskit.migrate.steps import (
    AddRule,
    AddTrigger,
    AddView,
    AnalyzeTable,
    BackUp,
    BuildIndex,
    CopyTable,
    CreateTable,
    Prepare,
    ProveGenerated,
    Publish,
    SetAside,
    SetGenerator,
    Step,
    ValidateRule,
    VerifyTable,
)
from opskit.migrate.undertaking import Undertaking
from opskit.runs.plan import Stage
from opskit.schema.design import ColumnDesign, Design, Rule, RuleKind, TableDesign
from opskit.schema.model import Storage
from opskit.schema.moments import MOMENT
from opskit.schema.types import ColumnProfile
from opskit.transfer.tables import SourceColumn, SourceTable, Span
from opskit.transfer.wide import wide_columns

VALIDATED = (RuleKind.CHECK, RuleKind.FOREIGN_KEY)
"""Rules that are added unchecked, then held against the rows without keeping anybody waiting."""

_ROWS_AT_ONCE = 64
_BYTES_AT_ONCE = 64 * 1024
"""What is fetched from SQLite together: more of either gains nothing."""

_NUMBER_BYTES = 25

_WITHOUT_ESCAPES = frozenset({"bigint", "boolean", "double precision", "numeric", "date", "text", MOMENT})
"""Types that print nothing COPY escapes, provided that texts hold nothing of the kind."""


def stages(one: Undertaking, backups: tuple[BackUp, ...], workers: int) -> Iterator[Stage[Step]]:
    """Everything up to publication that a killed run has not done already.

    Args:
        backups: made beside the copy of the rows.
        workers: how many processes carry the steps out.
    """
    name, design, kept = one.job.name, one.design, one.kept
    if kept.published:
        return
    costs = {table.source: _cost(one, table) for table in design.tables}
    rules = sorted(design.rules, key=lambda rule: -costs.get(rule.table, 0))
    standing = tuple(table.target for table in design.tables if table.source in kept.tables)
    yield Stage((Prepare(name, one.job.staging, one.target.leftover, standing, workers),))
    yield from _stage(CreateTable(name, table) for table in design.tables if table.source not in kept.tables)
    # a backup mostly waits for the disk, and needs no worker
    beside = 1 if backups and workers > 1 else 0
    yield from _stage((*backups, *_missing_copies(one)), workers + beside)
    computed = (table for table in design.tables if len(table.copied()) < len(table.columns))
    yield from _stage(
        (ProveGenerated(name, table, source_table(one, table, table.columns)) for table in computed), workers
    )
    if one.sets_aside:
        foreseen = (table.target for table in design.tables if _has_misfits(one, table))
        yield Stage((SetAside(name, tuple(foreseen)),))
    missing = (rule for rule in rules if rule.index and rule.name not in kept.indexes)
    yield from _stage((BuildIndex(name, rule) for rule in missing), workers)
    yield from _stage(
        AddRule(name, rule) for rule in design.rules if _is_added(rule) and rule.name not in kept.keys
    )
    yield from _stage(_proving(one, rules), workers)
    yield from _stage(
        SetGenerator(name, table.target, table.identity, table.last_key)
        for table in design.tables
        if table.identity is not None and table.last_key
    )
    yield from _stage(AddView(name, view) for view in design.views)
    yield from _stage(AddTrigger(name, trigger) for trigger in design.triggers)


def publication(one: Undertaking) -> Publish | Fill:
    """The step that brings everything where the application looks."""
    if one.existing is not None:
        return fill(one.job, one.existing, one.source)
    tables = tuple(table.target for table in one.design.tables)
    views = tuple(view.target for view in one.design.views)
    functions = tuple(trigger.function for trigger in one.design.triggers)
    return Publish(
        one.job.name,
        one.job.staging,
        one.job.schema,
        tables,
        views,
        functions,
        one.target.missing,
        one.job.heir,
        _followed(one) if one.job.follow else None,
    )


def _followed(one: Undertaking) -> Followed:
    """What is needed to bring over changes of the source from the copy on."""
    tables = tuple(followed_table(one.design, table) for table in one.design.tables)
    kept = {table.source for table in tables}
    left = tuple(table.name for table in one.source.schema.tables if table.name not in kept)
    source = str(one.job.source.absolute())
    return Followed(source, one.last_note or 0, tables, left, one.sets_aside)


def followed_table(design: Design, table: TableDesign) -> FollowedTable:
    """What is needed to bring over changes of a table."""
    return FollowedTable(
        table.source,
        table.target,
        tuple(FollowedColumn(column.source, column.target, column.pg_type) for column in table.copied()),
        tuple(column.source for column in table.columns if column.generated),
        design.beside(table),
        table.identity,
    )


def source_table(
    one: Undertaking,
    table: TableDesign,
    columns: Sequence[ColumnDesign] | None = None,
    span: Span | None = None,
) -> SourceTable:
    """How the rows of a table are read, by what is known of their values.

    Args:
        columns: all that are copied, when None.
    """
    asked: Sequence[ColumnDesign] = table.copied() if columns is None else columns
    scan, profiles = one.source.scans[table.source], one.source.profiles[table.source].columns
    wide = wide_columns(
        one.source.schema.table(table.source),
        {column.source: column.pg_type for column in asked},
        {column.source: profiles[column.source].widest for column in asked},
        one.source.profiles[table.source].limit,
    )
    read = tuple(
        SourceColumn(
            column.source,
            column.pg_type,
            checked=column.source in scan.columns,
            plain=column.source not in scan.columns and _is_plain(column, profiles[column.source]),
            wide=wide.get(column.source),
        )
        for column in asked
    )
    widest = sum(2 * profiles[column.source].widest + _NUMBER_BYTES for column in asked)
    at_once = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(widest, 1)))
    clean = scan.clean and all(column.pg_type.partition("(")[0] in _WITHOUT_ESCAPES for column in asked)
    return SourceTable(table.source, read, scan.framing, span, at_once, clean)


def _is_plain(column: ColumnDesign, profile: ColumnProfile) -> bool:
    """Does SQLite write every value as the type prints it, for moments but for the zone?"""
    if column.pg_type == MOMENT:
        return profile.canonical
    storage = {"bigint": Storage.INTEGER, "text": Storage.TEXT}.get(column.pg_type)
    return storage is not None and profile.storage.get(storage, 0) == profile.filled()


def _has_misfits(one: Undertaking, table: TableDesign) -> bool:
    """Do some values not fit the types of their columns?"""
    profiles = one.source.profiles[table.source].columns
    misfits = any(
        profiles[column.source].misfits.get(column.pg_type)
        for column in table.copied()
        if column.source in profiles
    )
    return misfits or bool(one.source.scans[table.source].columns)


def _stage(steps: Iterable[Step], at_once: int = 1) -> Iterator[Stage[Step]]:
    """A stage of these steps; none when there are none."""
    gathered = tuple(steps)
    if gathered:
        yield Stage(gathered, at_once)


def _is_added(rule: Rule) -> bool:
    return rule.index is None or rule.attach is not None


def _cost(one: Undertaking, table: TableDesign) -> int:
    return sum(part.cost for part in one.source.profiles[table.source].parts)


def _longest_first(one: Undertaking) -> list[TableDesign]:
    """So that no worker is alone with a large table at the end."""
    return sorted(one.design.tables, key=lambda table: -_cost(one, table))


def copies(one: Undertaking) -> Iterator[CopyTable]:
    """The steps that copy all tables."""
    for table in _longest_first(one):
        parts = one.source.profiles[table.source].parts
        for number, part in enumerate(parts, 1):
            source = source_table(one, table, span=part.span)
            yield CopyTable(one.job.name, table, source, part.rows, number, len(parts))


def _missing_copies(one: Undertaking) -> Iterator[CopyTable]:
    return (step for step in copies(one) if step.table.source not in one.kept.tables)


def _proving(one: Undertaking, rules: list[Rule]) -> Iterator[Step]:
    name = one.job.name
    for rule in rules:
        if rule.kind in VALIDATED:
            yield ValidateRule(name, rule)
    for table in _longest_first(one):
        rows = one.source.profiles[table.source].rows
        yield VerifyTable(name, table, source_table(one, table), rows)
    for table in one.design.tables:
        yield AnalyzeTable(name, table.target)
