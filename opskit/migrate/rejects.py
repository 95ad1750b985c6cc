"""Keeps the rows that a table cannot hold in a table beside it."""

from psycopg import sql

from opskit.errors import QueryFailed
from opskit.migrate.session import Session
from opskit.migrate.steps import SetAside
from opskit.transfer.rejects import Reject, read_rejects
from opskit.transfer.tables import REJECTS_COLUMNS

_CREATE = sql.SQL("CREATE TABLE {} (key text NOT NULL, reason text NOT NULL, row jsonb NOT NULL)")
_COMMENT = sql.SQL("COMMENT ON TABLE {} IS {}")
_COPY = sql.SQL("COPY {} ({}) FROM STDIN")

_TOLD = 5
"""Rows told singly; the rest is counted."""


def set_aside(step: SetAside, session: Session) -> None:
    """Makes the table of rejects and fills it.

    Raises:
        QueryFailed: it holds other rows than were left out of the copy.
    """
    name = sql.Identifier(step.rejects)
    comment = f"Rows of {step.table.target} that it cannot hold, set aside by opskit migrate"
    first: list[Reject] = []
    kept = 0
    with session.writer.transaction(), session.writer.cursor() as cursor:
        cursor.execute(_CREATE.format(name))
        cursor.execute(_COMMENT.format(name, sql.Literal(comment)))
        columns = sql.SQL(", ").join(map(sql.Identifier, REJECTS_COLUMNS))
        with cursor.copy(_COPY.format(name, columns)) as copy:
            for one in read_rejects(session.reader, step.source, step.table.key):
                copy.write_row((one.key, one.reason, one.row))
                kept += 1
                if kept <= _TOLD:
                    first.append(one)
    missing = session.tables[step.table.source].rejected
    if kept != missing:
        raise QueryFailed.of(
            "rows_lost", f"{step.rejects}: {missing} rows were left out of the copy, {kept} are kept there"
        )
    session.told.append(_told(step, kept, first))


def _told(step: SetAside, kept: int, first: list[Reject]) -> str:
    shown = "; ".join(f"{one.key}: {one.reason}" for one in first)
    more = f"; and {kept - len(first)} more" if kept > len(first) else ""
    rows = "row does" if kept == 1 else "rows do"
    return f"table {step.table.source}: {kept} {rows} not fit and went to table {step.rejects}: {shown}{more}"
