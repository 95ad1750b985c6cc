"""Holds what the server computes for generated columns against what SQLite computed."""

from collections.abc import Sequence
from dataclasses import replace

from opskit.errors import QueryFailed
from opskit.migrate.session import Session
from opskit.migrate.steps import ProveGenerated
from opskit.schema.design import ColumnDesign
from opskit.schema.names import quote
from opskit.transfer.copied import Copied
from opskit.transfer.tables import Pair, SourceTable, TargetTable
from opskit.transfer.tasks import (
    CopyRows,
    DigestRows,
    DigestSource,
    Execute,
    FindDifferences,
    TriedRow,
    TryRows,
)
from opskit.transfer.wide import hashed


def prove_generated(step: ProveGenerated, session: Session) -> None:
    """Compares a loaded table with its generated columns; those that differ become ordinary columns.

    So do all when the server refused rows because of what it had to compute for them. They then hold the
    values that SQLite has, for which the table is filled once more.

    Raises:
        QueryFailed: the values still differ.
    """
    computed = {column.source for column in step.table.columns if column.generated}
    tried = _try_refused(step, session)
    left_out = frozenset(row.whole for row in tried if row.words)
    step = replace(step, source=replace(step.source, refused=left_out))
    if not all(row.words for row in tried):
        _fill_again(step, session, set(), computed)
        _note_again(step, session, tried)
        _tell(step, session, computed, "the server cannot compute it for every row")
        computed = set[str]()
    while differing := _differing(step, session):
        if not differing & computed:
            raise QueryFailed.of("generated", f"{step.title}: the values differ", hint="please report this")
        _fill_again(step, session, computed - differing, differing & computed)
        _tell(step, session, differing & computed, "its values differ between the engines")
        computed -= differing


def _tell(step: ProveGenerated, session: Session, columns: set[str], reason: str) -> None:
    outcome = "became an ordinary column with the values it had"
    for column in sorted(columns):
        session.told.append(f"generated column {column} of table {step.table.source} {outcome}: {reason}")


def _try_refused(step: ProveGenerated, session: Session) -> list[TriedRow]:
    """The rows that the server refused, with what it says when it need not compute anything."""
    refused = frozenset(session.tables[step.table.source].refused)
    if not refused:
        return []
    target = _target(step.source, step, session, step.table.columns)
    return session.hands.run(TryRows(_copied(step), step.source, target, refused), _unmeasured)


def _note_again(step: ProveGenerated, session: Session, tried: Sequence[TriedRow]) -> None:
    """What stands in the table now that it was filled again."""
    before = session.tables[step.table.source]
    refused = {row.line: row.words for row in tried if row.words}
    digest = session.hands.run(DigestSource(replace(_copied(step), refused=frozenset(refused))), _unmeasured)
    set_aside = before.rejected - sum(not row.words for row in tried)
    before.parts = [Copied(digest, before.bytes, set_aside, digest.rows, before.seconds, refused)]


def _copied(step: ProveGenerated) -> SourceTable:
    """How the table was read when it was copied, but as a whole."""
    names = {column.source for column in step.table.copied()}
    columns = tuple(column for column in step.source.columns if column.name in names)
    return replace(step.source, columns=columns, refused=frozenset())


def _differing(step: ProveGenerated, session: Session) -> set[str]:
    """The columns in which some rows differ."""
    target = _target(step.source, step, session, step.table.columns)
    source = session.hands.run(DigestSource(step.source), _unmeasured)
    if source == session.hands.run(DigestRows(target), _unmeasured):
        return set()
    rows = session.hands.run(FindDifferences(Pair(step.source, target, step.table.key)), _unmeasured).rows
    everything = tuple(column.source for column in step.table.columns)  # rows without a key differ as a whole
    return {name for row in rows for name in row.columns or everything}


def _fill_again(step: ProveGenerated, session: Session, computed: set[str], ordinary: set[str]) -> None:
    table = quote(step.table.target)
    drops = (
        f"ALTER TABLE {table} ALTER COLUMN {quote(column.target)} DROP EXPRESSION"
        for column in step.table.columns
        if column.source in ordinary
    )
    session.hands.run(Execute("; ".join([f"TRUNCATE {table}", *drops])), _unmeasured)
    read = tuple(column for column in step.source.columns if column.name not in computed)
    columns = [column for column in step.table.columns if column.source not in computed]
    source = replace(step.source, columns=read)
    session.hands.run(CopyRows(source, _target(source, step, session, columns)), _unmeasured)


def _target(
    source: SourceTable, step: ProveGenerated, session: Session, columns: Sequence[ColumnDesign]
) -> TargetTable:
    names = tuple(column.target for column in columns)
    return TargetTable(session.undertaking.job.staging, step.table.target, names, hashed(source, names))


def _unmeasured(_: int) -> None:
    """Only the copy and the verification tell how far they are."""
