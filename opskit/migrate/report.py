"""What a migration did: per table rows, bytes, seconds, types and proof, and all the operator must know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from opskit import __version__
from opskit.migrate.report_notes import Notes, group
from opskit.migrate.session import Session
from opskit.migrate.steps import Step
from opskit.migrate.timeline import Phase, Timeline
from opskit.migrate.undertaking import Undertaking
from opskit.runs.plan import JsonValue, Plan, to_json
from opskit.schema.design import ColumnDesign, Rule, TableDesign


@dataclass(frozen=True, slots=True)
class Made:
    """An object made in the target.

    Attributes:
        kind: primary key, index, foreign key, view, trigger and so on.
        sql: the statement that made it, without the schema's name.
        valid: existing rows were checked against it.
    """

    kind: str
    name: str
    sql: str
    valid: bool = True


@dataclass(frozen=True, slots=True)
class KeyGenerator:
    """A column whose keys the server gives out, the next one after `last`."""

    column: str
    last: int


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table.

    Attributes:
        rejected: rows that were set aside beside the table, not among `rows`.
        bytes: those of the COPY stream.
        seconds: what the copy took, that of parts which were copied side by side added up.
        verified: every row was read back, and is what was read from SQLite.
        columns: type and reason per column.
    """

    source: str
    target: str
    rows: int
    rejected: int
    bytes: int
    seconds: float
    rows_per_second: int
    bytes_per_second: int
    verified: bool
    columns: tuple[ColumnDesign, ...]
    made: tuple[Made, ...]
    key_generator: KeyGenerator | None


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """One database.

    Attributes:
        target: host, port and database; never a user's name or password.
        profile_seconds: how long the source was examined, before the run began.
        views: the names of the views that were made; triggers likewise.
        made: views and triggers with their statements.
        told: every sentence the operator must know, SQL included; notes: the same by object.
    """

    name: str
    source: str
    target: str
    server_version: str
    backup: str
    backup_sha256: str
    profile_seconds: float
    phases: tuple[Phase, ...]
    tables: tuple[TableReport, ...]
    views: tuple[str, ...]
    triggers: tuple[str, ...]
    made: tuple[Made, ...]
    notes: tuple[Notes, ...]
    told: tuple[str, ...]

    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    def rejected(self) -> int:
        """Rows that were set aside, of all tables."""
        return sum(table.rejected for table in self.tables)

    def bytes(self) -> int:
        """Bytes of all tables' COPY streams."""
        return sum(table.bytes for table in self.tables)

    def verified(self) -> bool:
        """Was every row of every table read back and compared?"""
        return all(table.verified for table in self.tables)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole run."""

    run: str
    started: datetime
    finished: datetime
    databases: tuple[DatabaseReport, ...]

    @property
    def seconds(self) -> float:
        """From the backup to the publication."""
        return (self.finished - self.started).total_seconds()

    def rows(self) -> int:
        """Rows of all databases."""
        return sum(one.rows() for one in self.databases)

    def rejected(self) -> int:
        """Rows that were set aside, of all databases."""
        return sum(one.rejected() for one in self.databases)

    def bytes(self) -> int:
        """Bytes of all databases' COPY streams."""
        return sum(one.bytes() for one in self.databases)

    def verified(self) -> bool:
        """Was every row of every database read back and compared?"""
        return all(one.verified() for one in self.databases)

    def told(self) -> tuple[str, ...]:
        """Every sentence the operator must know."""
        return tuple(f"{one.name}: {sentence}" for one in self.databases for sentence in one.told)

    def to_json(self) -> Mapping[str, JsonValue]:
        """The report as a JSON object."""
        return {
            "run": self.run,
            "opskit": __version__,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "seconds": round(self.seconds, 3),
            "rows": self.rows(),
            "rejected": self.rejected(),
            "bytes": self.bytes(),
            "verified": self.verified(),
            "databases": to_json(self.databases),
        }


def report(opened: Sequence[Session], plan: Plan[Step], run: str, timeline: Timeline) -> Report:
    """The report of an executed plan."""
    databases = tuple(_database(session, plan, timeline) for session in opened)
    return Report(run, timeline.started, timeline.finished, databases)


def name_map(undertakings: Sequence[Undertaking]) -> Mapping[str, JsonValue]:
    """The names that had to change: source → schema.target, and per table source column → target column."""
    tables: dict[str, JsonValue] = {}
    columns: dict[str, JsonValue] = {}
    for one in undertakings:
        schema = one.source.schema
        relations = {table.name: [column.name for column in table.columns] for table in schema.tables}
        relations |= {view.name: list(view.columns) for view in schema.views}
        for relation, sources in relations.items():
            target = one.names.relation(relation)
            if target != relation:
                tables[relation] = f"{one.job.schema}.{target}"
            renamed = {name: one.names.column(relation, name) for name in sources}
            changed: dict[str, JsonValue] = {name: new for name, new in renamed.items() if name != new}
            if changed:
                columns[relation] = changed
    return {"tables": tables, "columns": columns}


def _database(session: Session, plan: Plan[Step], timeline: Timeline) -> DatabaseReport:
    one = session.undertaking
    prefix = f"{one.job.name}: "
    planned = (sentence.removeprefix(prefix) for sentence in plan.told if sentence.startswith(prefix))
    told = (*planned, *session.told)
    views = tuple(view for view in one.design.views if view.target not in session.left_out)
    triggers = tuple(trigger for trigger in one.design.triggers if trigger.function not in session.left_out)
    return DatabaseReport(
        name=one.job.name,
        source=str(one.job.source),
        target=one.job.target_name,
        server_version=f"{one.target.version // 10000}.{one.target.version % 10000}",
        backup=str(session.backup.file) if session.backup else "",
        backup_sha256=session.backup.sha256 if session.backup else "",
        profile_seconds=round(session.profiled, 3),
        phases=timeline.phases([step for step in plan.steps if step.database == one.job.name]),
        tables=tuple(_table(session, table) for table in one.design.tables),
        views=tuple(view.target for view in views),
        triggers=tuple(trigger.source for trigger in triggers),
        made=(
            *(Made("view", view.target, view.statement) for view in views),
            *(Made("trigger", one.source, ";\n".join(one.statements)) for one in triggers),
        ),
        notes=group(told, _mentions(one), _statements(one)),
        told=told,
    )


def _mentions(one: Undertaking) -> Mapping[str, str]:
    schema = one.source.schema
    relations = (
        *(f"table {table.name}" for table in schema.tables),
        *(f"view {view.name}" for view in schema.views),
        *(f"virtual table {table.name}" for table in schema.virtual_tables),
    )
    triggers = {f"trigger {trigger.name}": f"table {trigger.table}" for trigger in schema.triggers}
    return {name: name for name in relations} | triggers


def _statements(one: Undertaking) -> Iterator[str]:
    schema = one.source.schema
    for kind in (schema.views, schema.triggers, schema.virtual_tables):
        yield from (item.sql for item in kind)


def _table(session: Session, table: TableDesign) -> TableReport:
    copied = session.tables[table.source]
    rules = [rule for rule in session.undertaking.design.rules if rule.table == table.source]
    generator = table.identity and table.last_key and KeyGenerator(table.identity, table.last_key)
    return TableReport(
        source=table.source,
        target=table.target,
        rows=copied.rows,
        rejected=copied.rejected,
        bytes=copied.bytes,
        seconds=round(copied.seconds, 3),
        rows_per_second=round(copied.rows / copied.seconds) if copied.seconds else 0,
        bytes_per_second=round(copied.bytes / copied.seconds) if copied.seconds else 0,
        verified=copied.verified,
        columns=table.columns,
        made=tuple(_rules(rules, session.told)),
        key_generator=generator or None,
    )


def _rules(rules: Sequence[Rule], told: Sequence[str]) -> Iterator[Made]:
    """Those that were made; what could not be made as designed was told."""
    left_out = {sentence.partition(" was left out: ")[0] for sentence in told}
    unchecked = {sentence.partition(" was added NOT VALID, ")[0] for sentence in told}
    for rule in rules:
        if str(rule) in unchecked and rule.fallback:
            yield Made(rule.kind.value, rule.name, rule.fallback, valid=False)
        elif str(rule) not in left_out:
            yield Made(rule.kind.value, rule.name, rule.statement)
