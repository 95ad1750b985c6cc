"""Keeps the rows that a table cannot hold in a table beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from psycopg import sql

from opskit.errors import Fault, QueryFailed
from opskit.migrate.session import Session
from opskit.migrate.stages import source_table
from opskit.migrate.steps import CopyTable, Publish
from opskit.schema.design import TableDesign
from opskit.transfer.rejects import Reject, read_rejects
from opskit.transfer.set_aside import keep_rejects, make_rejects_table
from opskit.transfer.tasks import ReadRejects

_TOLD = 5
"""Rows told singly; the rest is counted."""

_SHOWN = 200
"""Characters of a key that are told; a row without one has no other than all of its values."""


def set_aside(session: Session) -> None:
    """Makes the tables of rejects that are needed, and fills them.

    Raises:
        QueryFailed: one holds other rows than were left out of the copy.
    """
    for table in _incomplete(session):
        _keep(table, session)


def with_rejects(step: Publish, session: Session) -> Publish:
    """The publication of the tables of rejects, too."""
    beside = session.undertaking.design.beside
    return replace(step, tables=(*step.tables, *map(beside, _incomplete(session))))


def refuse(step: CopyTable, refused: Mapping[int, str], session: Session) -> NoReturn:
    """Names the rows of a copy that the server refused.

    Raises:
        QueryFailed: always.
    """
    read = ReadRejects(replace(step.source, span=None), step.table.key, refused, _TOLD)
    first = session.hands.run(read, lambda _: None)
    hint = "mend the rows in SQLite, or let them be kept beside their table (--misfits set-aside)"
    what = f"table {step.table.source}, {len(refused)} rows"
    told = (f"{what}: {_short(one.key)}: {one.reason}" for one in first)
    raise QueryFailed(*(Fault("row_refused", sentence, hint, step.table.source) for sentence in told))


def _incomplete(session: Session) -> list[TableDesign]:
    """The tables that do not hold all rows."""
    return [table for table in session.undertaking.design.tables if session.tables[table.source].rejected]


def _keep(table: TableDesign, session: Session) -> None:
    rejects = session.undertaking.design.beside(table)
    source = source_table(session.undertaking, table)
    copied = session.tables[table.source]
    name = sql.Identifier(rejects)
    first: list[Reject] = []
    kept = 0
    with session.writer.transaction():
        make_rejects_table(session.writer, name, table.target)
        read = read_rejects(session.reader, source, table.key, copied.refused)
        for one in keep_rejects(session.writer, name, read):
            kept += 1
            if kept <= _TOLD:
                first.append(one)
    if kept != copied.rejected:
        message = f"{rejects}: {copied.rejected} rows were left out of the copy, {kept} are kept there"
        raise QueryFailed.of("rows_lost", message)
    session.told.append(_told(table.source, rejects, kept, first))


def _told(table: str, rejects: str, kept: int, first: Sequence[Reject]) -> str:
    shown = "; ".join(f"{_short(one.key)}: {one.reason}" for one in first)
    more = f"; and {kept - len(first)} more" if kept > len(first) else ""
    rows = "row does" if kept == 1 else "rows do"
    return f"table {table}: {kept} {rows} not fit and went to table {rejects}: {shown}{more}"


def _short(key: str) -> str:
    return key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"
