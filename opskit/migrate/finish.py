"""What is added to loaded tables: each tried on the server, and told when it cannot be."""

import apsw
import psycopg
from psycopg import sql

from opskit.migrate.session import Session
from opskit.migrate.stages import VALIDATED
from opskit.schema.design import Rule, RuleKind, TriggerDesign, ViewDesign, one_line
from opskit.schema.names import quote
from opskit.schema.sqlite_file import scalar
from opskit.transfer.refusals import is_refusal
from opskit.transfer.target import server_words
from opskit.transfer.tasks import Execute
from opskit.transfer.views import differing_rows, source_rows


def build_index(rule: Rule, session: Session) -> None:
    """Builds a rule's index; one that the server or the rows refuse is left out and told."""
    try:
        session.hands.run(Execute(rule.index or ""), _unmeasured)
    except psycopg.Error as error:
        _leave_out_rule(rule, session, error)


def add_rule(rule: Rule, session: Session) -> None:
    """Adds a rule without looking at rows; one that the server refuses is made in a lesser form, or told."""
    if str(rule) in session.left_out:  # its index could not be built
        return
    unchecked = rule.fallback if rule.kind in VALIDATED else None
    try:
        with session.writer.transaction():
            session.writer.execute((unchecked or rule.attach or rule.statement).encode())
    except psycopg.errors.NotNullViolation as error:
        if rule.kind is not RuleKind.PRIMARY_KEY or rule.fallback is None:
            raise
        session.writer.execute(rule.fallback.encode())
        session.told.append(
            f"{rule} became a unique constraint, existing keys hold NULL: {server_words(error)}"
        )
    except psycopg.Error as error:
        _leave_out_rule(rule, session, error)


def validate_rule(rule: Rule, session: Session) -> None:
    """Holds existing rows against a rule; one that they break stays NOT VALID, and that is told."""
    if str(rule) in session.left_out:
        return
    table, name = quote(session.undertaking.names.relation(rule.table)), quote(rule.name)
    try:
        session.hands.run(Execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"), _unmeasured)
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        session.told.append(f"{rule} was added NOT VALID, existing rows violate it: {server_words(error)}")


def _leave_out_rule(rule: Rule, session: Session, error: psycopg.Error) -> None:
    if not is_refusal(error):
        raise error
    session.left_out.add(str(rule))
    reason, statement = server_words(error), one_line(rule.statement)
    session.told.append(f"{rule} was left out: {reason}; its SQL is {statement}")


def _unmeasured(_: int) -> None:
    """Statements tell nothing about their progress."""


def add_view(view: ViewDesign, session: Session) -> None:
    """Makes a view; one that the server refuses, or whose rows differ from SQLite's, is left out and told."""
    try:
        with session.writer.transaction():
            session.writer.execute(view.statement.encode())
            difference = _difference(view, session)
            if difference and any(table.rejected for table in session.tables.values()):
                session.told.append(f"view {view.source} could not be compared, as rows were set aside")
            elif difference:
                raise _ViewDiffers(difference)
    except _ViewDiffers as error:
        _leave_out(view, session, str(error))
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        _leave_out(view, session, server_words(error))


def add_trigger(trigger: TriggerDesign, session: Session) -> None:
    """Makes a trigger and its function; one that the server refuses is left out and told."""
    try:
        with session.writer.transaction():
            for statement in trigger.statements:
                session.writer.execute(statement.encode())
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        session.left_out.add(trigger.function)
        what = f"trigger {trigger.source} of table {trigger.table}"
        tried = one_line("; ".join(trigger.statements))
        session.told.append(f"{what} was left out: {server_words(error)}; its SQL is {tried}")


def _leave_out(view: ViewDesign, session: Session, reason: str) -> None:
    session.left_out.add(view.target)
    session.told.append(f"view {view.source} was left out: {reason}; its SQL is {one_line(view.statement)}")


class _ViewDiffers(Exception):
    """The view's rows differ; raised to roll back its creation."""


def _difference(view: ViewDesign, session: Session) -> str:
    """Why the view is not the same on both sides; empty when it is."""
    try:
        source = source_rows(session.reader, view.source, view.columns)  # it may have more: a search column
    except apsw.Error as error:
        return f"it is broken in SQLite itself ({error})"
    name = sql.Identifier(session.undertaking.job.staging, view.target)
    if source is None:
        counted = scalar(session.reader, f"SELECT count(*) FROM {quote(view.source)}")
        other = session.writer.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
        if other != (counted,):
            return f"it has {counted} rows in SQLite and {other[0] if other else 0} in PostgreSQL"
        session.told.append(f"view {view.source} was compared by its number of rows only ({counted})")
        return ""
    found = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(map(sql.Identifier, view.targets)), name)
    target = session.writer.execute(found).fetchall()
    differing = differing_rows(source, target)
    return f"{differing} of its rows differ between the engines" if differing else ""
