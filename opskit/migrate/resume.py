"""Decides what of a killed migration is kept. Pure: journal and staging in, what still holds out.

The journal is not believed: a table is kept when the journal says that it was copied, and staging holds it
with the columns and the number of rows it should have. Like every table it is verified by content at the end.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from opskit.migrate.existing_steps import Fill
from opskit.migrate.facts import Staged
from opskit.migrate.steps import CopyTable, Publish
from opskit.runs.journal import UnfinishedRun
from opskit.runs.plan import JsonValue
from opskit.schema.design import Design, Rule, RuleKind, TableDesign
from opskit.schema.moments import server_type
from opskit.schema.target_schema import PgTable
from opskit.transfer.backup import SqliteCopy
from opskit.transfer.copied import Copied


@dataclass(frozen=True, slots=True)
class Kept:
    """What a resumed migration need not do again.

    Attributes:
        tables: source table → its parts.
        indexes: names of indexes that stand; keys: names of keys that stand.
        published: the database was published before the kill.
        run: the killed run that is gone on with, None when all is done from the start.
    """

    tables: Mapping[str, tuple[Copied, ...]] = field(default_factory=dict[str, tuple[Copied, ...]])
    indexes: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    published: bool = False
    run: str | None = None


NOTHING = Kept()


def resumable(killed: Sequence[UnfinishedRun], standing: Container[Path]) -> UnfinishedRun | None:
    """The latest killed run whose backups are whole, with what runs that went on with it have done since.

    Args:
        killed: runs about the same databases, oldest first.
        standing: the backups that are still there.
    """
    for run in reversed(killed):
        if all(file in standing and _found(run, file) is not None for file in run.leaves):
            same = [one for one in killed if one.leaves == run.leaves]
            begun = tuple(title for one in same for title in one.begun)
            done = {title: found for one in same for title, found in one.done.items()}
            return replace(run, begun=begun, done=done)
    return None


def backup_of(run: UnfinishedRun, file: Path) -> SqliteCopy | None:
    """A backup that a killed run has made, as its journal describes it."""
    found = _found(run, file)
    return None if found is None else SqliteCopy(file, int(cast("int", found["size"])), str(found["sha256"]))


def _found(run: UnfinishedRun, file: Path) -> Mapping[str, JsonValue] | None:
    """What making a backup has found out; None when it was not done."""
    for title, found in run.done.items():
        if title.endswith(f" to {file}") and isinstance(found, Mapping):
            return found
    return None


def keep(
    design: Design, copies: list[CopyTable], publish: Publish | Fill, staged: Staged, run: UnfinishedRun
) -> Kept:
    """What a killed run has done of a design that still holds.

    Args:
        copies: the steps that copy all tables.
        publish: the step that publishes them.
    """
    published = _is_published(publish, staged, run)
    parts = {table.source: _parts(table, copies, run) for table in design.tables}
    if published:
        return Kept({source: one or () for source, one in parts.items()}, published=True, run=run.run)
    tables = {
        table.source: found
        for table in design.tables
        if (found := parts[table.source]) is not None
        and _stands(table, design.rules, staged, sum(part.digest.rows for part in found))
    }
    standing = [staged.schema.tables[table.target] for table in design.tables if table.source in tables]
    return Kept(
        tables,
        frozenset(index.name for table in standing for index in table.indexes if index.valid),
        frozenset(name for table in standing for name in _keys(table)),
        run=run.run,
    )


def _is_published(publish: Publish | Fill, staged: Staged, run: UnfinishedRun) -> bool:
    """Everything has left staging and stands in the target: a run that was putting back leaves neither."""
    if isinstance(publish, Publish):
        moved = publish.tables
    else:
        moved = tuple(table.target for table in publish.tables if table.rows)
    return publish.title in run.begun and not staged.schema.tables and staged.target.issuperset(moved)


def _parts(table: TableDesign, copies: list[CopyTable], run: UnfinishedRun) -> tuple[Copied, ...] | None:
    """All parts of a table; None when one is missing."""
    titles = [step.title for step in copies if step.table.source == table.source]
    found = [one for title in titles if isinstance(one := run.done.get(title), Mapping)]
    try:
        return tuple(map(Copied.of_json, found)) if len(found) == len(titles) else None
    except KeyError:  # the journal of another version
        return None


def _stands(table: TableDesign, rules: tuple[Rule, ...], staged: Staged, rows: int) -> bool:
    found = staged.schema.tables.get(table.target)
    if found is None or staged.rows.get(table.target) != rows:
        return False
    columns = [(column.name, column.pg_type) for column in found.columns]
    if columns != [(column.target, server_type(column.pg_type)) for column in table.columns]:
        return False
    # a primary key that was made a unique constraint is told when it is made: make it again
    primary = [
        rule.name for rule in rules if rule.table == table.source and rule.kind is RuleKind.PRIMARY_KEY
    ]
    return not any(key.name in primary for key in found.unique)


def _keys(table: PgTable) -> Iterator[str]:
    if table.primary_key is not None:
        yield table.primary_key.name
    for key in table.unique:
        yield key.name
