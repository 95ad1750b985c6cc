"""Decides what a migration does. Pure: configuration and facts in, a plan or a list of refusals out."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opskit.errors import Fault, Refused
from opskit.migrate.facts import STAGING, Job, SourceFacts, TargetFacts
from opskit.migrate.steps import (
    AddRule,
    AddTrigger,
    AddView,
    Analyze,
    BackUp,
    CopyTable,
    CreateTable,
    Prepare,
    Publish,
    SetGenerator,
    Step,
    VerifyTable,
)
from opskit.runs.journal import UnfinishedRun
from opskit.runs.plan import Plan, one_by_one
from opskit.schema.design import Design, TableDesign
from opskit.schema.designer import design
from opskit.schema.names import NameMap, map_names
from opskit.transfer.tables import SourceColumn, SourceTable

COMMAND = "migrate"

SCHEMA = "public"
"""Where the application looks for its tables."""

OLDEST_SERVER = 150000

MOST_COLUMNS = 1600
"""PostgreSQL's MaxHeapAttributeNumber."""


@dataclass(frozen=True, slots=True)
class Undertaking:
    """One database's facts on both sides, where its backup goes, and the design drawn from them."""

    job: Job
    source: SourceFacts
    target: TargetFacts
    backup: Path
    names: NameMap
    design: Design


def undertake(job: Job, source: SourceFacts, target: TargetFacts, backup: Path) -> Undertaking:
    """Draws the design for one database."""
    names = map_names(source.schema)
    return Undertaking(job, source, target, backup, names, design(source.schema, source.choices, names))


def plan_migration(undertakings: Sequence[Undertaking], killed: Sequence[UnfinishedRun] = ()) -> Plan[Step]:
    """The steps for all databases: all are backed up, each is built and verified, then all are published.

    Args:
        killed: earlier runs on the same databases that never came to their end.

    Raises:
        Refused: with every reason, of all databases.
    """
    begun = frozenset(title for run in killed for title in run.begun)
    faults = [fault for one in undertakings for fault in _refusals(one, begun)]
    if faults:
        raise Refused(*faults)
    # first all backups: what everything is made from is kept before anything is made
    steps: list[Step] = [BackUp(one.job.name, one.job.source, one.backup) for one in undertakings]
    steps.extend(step for one in undertakings for step in _steps(one))
    steps.extend(_publish(one) for one in undertakings)
    told = tuple(f"{one.job.name}: {sentence}" for one in undertakings for sentence in _told(one))
    return Plan(COMMAND, subject(undertakings), one_by_one(*steps), told)


def subject(undertakings: Sequence[Undertaking]) -> str:
    """What a run is about: the names of its databases."""
    return ", ".join(one.job.name for one in undertakings)


def source_table(table: TableDesign, *, escaped: bool) -> SourceTable:
    """How the rows of a table are read."""
    columns = tuple(SourceColumn(column.source, column.pg_type) for column in table.copied())
    return SourceTable(table.source, columns, escaped)


def _steps(one: Undertaking) -> Iterator[Step]:
    name, plan = one.job.name, one.design
    yield Prepare(name, STAGING, one.target.leftover)
    for table in plan.tables:
        yield CreateTable(name, table)
    rows = {table.source: one.source.profiles[table.source].rows for table in plan.tables}
    sources = {
        table.source: source_table(table, escaped=one.source.scans[table.source].framing)
        for table in plan.tables
    }
    for table in sorted(plan.tables, key=lambda table: -rows[table.source]):
        yield CopyTable(name, table, sources[table.source], rows[table.source])
    for rule in plan.rules:
        yield AddRule(name, rule)
    for table in plan.tables:
        if table.identity is not None and table.last_key:
            yield SetGenerator(name, table.target, table.identity, table.last_key)
    yield Analyze(name)
    for table in plan.tables:
        yield VerifyTable(name, table, sources[table.source])
    for view in plan.views:
        yield AddView(name, view)
    for trigger in plan.triggers:
        yield AddTrigger(name, trigger)


def _publish(one: Undertaking) -> Publish:
    tables = tuple(table.target for table in one.design.tables)
    views = tuple(view.target for view in one.design.views)
    functions = tuple(trigger.function for trigger in one.design.triggers)
    return Publish(one.job.name, STAGING, SCHEMA, tables, views, functions)


def _told(one: Undertaking) -> Iterator[str]:
    for table, columns in one.source.choices.items():
        for column, choice in columns.items():
            if choice.told:
                yield f"column {column} of table {table} became {choice.pg_type}: {choice.reason}"
    yield from one.design.told


def _refusals(one: Undertaking, begun: Container[str]) -> Iterator[Fault]:
    yield from _target_refusals(one.job, one.target)
    if one.target.occupied:
        yield _occupied(one, published=_publish(one).title in begun)
    for table, scan in one.source.scans.items():
        for unfit in scan.unfit:
            yield Fault(
                "unfit_text",
                f"{unfit} ({scan.unfit_rows} such rows in table {table}): PostgreSQL cannot store it as text",
                f"mend the value, or set migrate.overrides.{one.job.name}.{table}.{unfit.column} to bytea",
                f"{table}.{unfit.column}",
            )
    for table, columns in one.source.profiles.items():
        for column, profile in columns.columns.items():
            wanted = one.source.choices[table][column].pg_type
            if profile.misfits.get(wanted):
                yield Fault(
                    "override",
                    f"{profile.misfits[wanted]} values of {table}.{column} do not fit {wanted}",
                    "mend the values or remove the override",
                    f"{table}.{column}",
                )
    yield from _unknown_overrides(one)
    for table in one.source.schema.tables:
        if len(table.columns) > MOST_COLUMNS:
            count = f"table {table.name} has {len(table.columns)} columns, PostgreSQL holds {MOST_COLUMNS}"
            yield Fault("too_many_columns", count, "split the table in SQLite first", table.name)
    if not one.source.schema.tables:
        yield Fault(
            "nothing_to_migrate", f"{one.job.source} holds no table", "check the path", str(one.job.source)
        )


def _target_refusals(job: Job, target: TargetFacts) -> Iterator[Fault]:
    if target.version < OLDEST_SERVER:
        version = f"{target.version // 10000}.{target.version % 10000}"
        yield Fault(
            "server_version", f"{job.target_name} runs PostgreSQL {version}", "use version 15 or later"
        )
    if target.encoding != "UTF8":
        yield Fault(
            "target_encoding",
            f"database {job.target_name} has encoding {target.encoding}, which cannot hold every text",
            "create it with ENCODING 'UTF8' TEMPLATE template0",
            job.target_name,
        )
    if not target.may_create:
        yield Fault(
            "permission_denied",
            f"the role may not create tables in schema {SCHEMA} or schemas in database {job.target_name}",
            "connect as the owner of the database",
            job.target_name,
        )


def _occupied(one: Undertaking, *, published: bool) -> Fault:
    """The target holds something: somebody else's, or what a run had published when it was killed."""
    name, target = one.job.name, one.job.target_name
    hint = "migrate into an empty database, or drop these objects first"
    if published:
        hint = (
            f"a run that was killed had published {name}: `opskit verify` shows whether it is whole;"
            " if it is, migrate only the other databases (--database), else drop these objects and run again"
        )
    objects = ", ".join(one.target.occupied)
    return Fault(
        "target_not_empty", f"schema {SCHEMA} of database {target} is not empty: {objects}", hint, target
    )


def _unknown_overrides(one: Undertaking) -> Iterator[Fault]:
    known = {f"{table}.{column}" for table, columns in one.source.choices.items() for column in columns}
    for name in sorted(one.job.overrides.keys() - known):
        yield Fault(
            "override", f"override {name} names no column of {one.job.source}", "correct its name", name
        )
