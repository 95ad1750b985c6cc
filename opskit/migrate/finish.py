"""What is added to loaded tables: each tried on the server, and told when it cannot be."""

from itertools import islice

import apsw
import psycopg
from psycopg import sql

from opskit.migrate.facts import STAGING
from opskit.migrate.session import Session
from opskit.schema.design import Rule, TriggerDesign, ViewDesign, one_line
from opskit.schema.names import quote
from opskit.schema.sqlite_file import cursor, scalar
from opskit.transfer.target import server_words
from opskit.transfer.views import COMPARED_ROWS, differing_rows


def add_rule(rule: Rule, session: Session) -> None:
    """Adds a rule; one that the server or the data refuses is added unchecked, or left out, and told."""
    try:
        with session.writer.transaction():
            session.writer.execute(rule.statement.encode())
    except psycopg.Error as error:
        if not _is_about_data(error):
            raise
        reason = server_words(error)
        broken_by_rows = (error.sqlstate or "").startswith("23")
        if rule.fallback is not None and broken_by_rows:
            session.writer.execute(rule.fallback.encode())
            session.told.append(f"{rule} was added NOT VALID, existing rows violate it: {reason}")
        else:
            session.told.append(f"{rule} was left out: {reason}; its SQL is {one_line(rule.statement)}")


def add_view(view: ViewDesign, session: Session) -> None:
    """Makes a view; one that the server refuses, or whose rows differ from SQLite's, is left out and told."""
    try:
        with session.writer.transaction():
            session.writer.execute(view.statement.encode())
            difference = _difference(view, session)
            if difference:
                raise _ViewDiffers(difference)
    except _ViewDiffers as error:
        _leave_out(view, session, str(error))
    except psycopg.Error as error:
        if not _is_about_data(error):
            raise
        _leave_out(view, session, server_words(error))


def add_trigger(trigger: TriggerDesign, session: Session) -> None:
    """Makes a trigger and its function; one that the server refuses is left out and told."""
    try:
        with session.writer.transaction():
            for statement in trigger.statements:
                session.writer.execute(statement.encode())
    except psycopg.Error as error:
        if not _is_about_data(error):
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
    columns = ", ".join(map(quote, view.columns))  # it may have more: a search column
    try:
        statement = f"SELECT {columns} FROM {quote(view.source)}"
        source = list(islice(cursor(session.reader, statement), COMPARED_ROWS + 1))
    except apsw.Error as error:
        return f"it is broken in SQLite itself ({error})"
    name = sql.Identifier(STAGING, view.target)
    if len(source) > COMPARED_ROWS:
        counted = scalar(session.reader, f"SELECT count(*) FROM {quote(view.source)}")
        other = session.writer.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
        if other != (counted,):
            return f"it has {counted} rows in SQLite and {other[0] if other else 0} in PostgreSQL"
        session.told.append(f"view {view.source} was compared by its number of rows only ({counted})")
        return ""
    found = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(map(sql.Identifier, view.columns)), name)
    target = session.writer.execute(found).fetchall()
    differing = differing_rows(source, target)
    return f"{differing} of its rows differ between the engines" if differing else ""


def _is_about_data(error: psycopg.Error) -> bool:
    """Does the server object to the data or the statement, rather than being gone, full or told to stop?"""
    return (error.sqlstate or "")[:2] in {"0A", "21", "22", "23", "2B", "42", "54"}
