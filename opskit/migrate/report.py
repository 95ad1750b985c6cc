"""What a migration did: per table rows, bytes, seconds, types and proof, and all the operator must know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from opskit.migrate.plan import SCHEMA, Undertaking
from opskit.migrate.session import Session
from opskit.migrate.steps import Step
from opskit.migrate.timeline import Timeline
from opskit.runs.plan import JsonValue, Plan, to_json
from opskit.schema.model import ascii_fold


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table; `bytes` are those of the COPY stream, `types` map target columns to types."""

    source: str
    target: str
    rows: int
    bytes: int
    seconds: float
    verified: bool
    types: Mapping[str, str]

    def rate(self) -> int:
        """Rows a second."""
        return round(self.rows / self.seconds) if self.seconds else 0


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """One database."""

    name: str
    source: str
    target: str
    backup: str
    backup_sha256: str
    tables: tuple[TableReport, ...]
    views: tuple[str, ...]
    triggers: tuple[str, ...]
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole run."""

    run: str
    seconds: float
    databases: tuple[DatabaseReport, ...]

    def told(self) -> tuple[str, ...]:
        """Every sentence the operator must know."""
        return tuple(f"{one.name}: {sentence}" for one in self.databases for sentence in one.told)

    def to_json(self) -> Mapping[str, JsonValue]:
        """The report as a JSON object."""
        rows = sum(table.rows for one in self.databases for table in one.tables)
        return {
            "run": self.run,
            "seconds": round(self.seconds, 3),
            "rows": rows,
            "verified": all(table.verified for one in self.databases for table in one.tables),
            "databases": to_json(self.databases),
        }

    def to_text(self) -> str:
        """The report for people."""
        return (
            "\n".join(line for one in self.databases for line in _lines(one))
            + f"\n\nDone in {self.seconds:.1f} s."
        )


def report(opened: Sequence[Session], plan: Plan[Step], run: str, timeline: Timeline) -> Report:
    """The report of an executed plan."""
    return Report(run, timeline.seconds(), tuple(_database(session, plan) for session in opened))


def name_map(undertakings: Sequence[Undertaking]) -> Mapping[str, JsonValue]:
    """The names that had to change: source → schema.target, and per table source column → target column."""
    tables: dict[str, JsonValue] = {}
    columns: dict[str, JsonValue] = {}
    for one in undertakings:
        relations = [*one.source.schema.tables, *one.source.schema.views]
        for relation in relations:
            target = one.names.relation(relation.name)
            if target != relation.name:
                tables[relation.name] = f"{SCHEMA}.{target}"
        for table in one.source.schema.tables:
            renamed = {column.name: one.names.column(table.name, column.name) for column in table.columns}
            changed: dict[str, JsonValue] = {
                name: target for name, target in renamed.items() if name != target
            }
            if changed:
                columns[table.name] = changed
    return {"tables": tables, "columns": columns}


def _database(session: Session, plan: Plan[Step]) -> DatabaseReport:
    one = session.undertaking
    prefix = f"{one.job.name}: "
    planned = tuple(sentence.removeprefix(prefix) for sentence in plan.told if sentence.startswith(prefix))
    return DatabaseReport(
        name=one.job.name,
        source=str(one.job.source),
        target=one.job.target_name,
        backup=str(session.backup.file) if session.backup else "",
        backup_sha256=session.backup.sha256 if session.backup else "",
        tables=tuple(_table(session, table.source) for table in one.design.tables),
        views=tuple(view.target for view in one.design.views if view.target not in session.left_out),
        triggers=tuple(
            trigger.source for trigger in one.design.triggers if trigger.function not in session.left_out
        ),
        told=(*planned, *session.told),
    )


def _table(session: Session, source: str) -> TableReport:
    table = session.undertaking.design.table(source)
    copied = session.tables[source]
    types = {column.target: column.pg_type for column in table.columns}
    return TableReport(
        source,
        table.target,
        copied.rows,
        copied.bytes,
        round(copied.seconds, 3),
        copied.verified,
        types,
    )


def _lines(one: DatabaseReport) -> Iterator[str]:
    yield f"{one.name}: {one.source} → {one.target}"
    width = max((len(table.target) for table in one.tables), default=5)
    yield f"  {'table':{width}}  {'rows':>11}  {'MB':>9}  {'seconds':>8}  {'rows/s':>9}  every row verified"
    for table in sorted(one.tables, key=lambda table: (-table.rows, ascii_fold(table.target))):
        yield (
            f"  {table.target:{width}}  {table.rows:>11,}  {table.bytes / 1e6:>9.1f}  {table.seconds:>8.2f}"
            f"  {table.rate():>9,}  {'yes' if table.verified else 'NO'}"
        )
    rows = sum(table.rows for table in one.tables)
    yield f"  {len(one.tables)} tables and {len(one.views)} views, {rows:,} rows; backup {one.backup}"
    for sentence in one.told:
        yield f"  note: {sentence}"
