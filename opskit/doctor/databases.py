"""Looking at a PostgreSQL database with the application's own eyes."""

import time
from collections.abc import Mapping
from contextlib import closing

import psycopg
from psycopg.rows import DictRow

from opskit.doctor import facts
from opskit.doctor.dial import dial
from opskit.doctor.sql import query
from opskit.transfer.deadlines import BoundedConnection, NoAnswer


def look(parameters: Mapping[str, str | int], schema: str) -> facts.Session | facts.Refused:
    """What the application's session may do in a schema, or why it gets none."""
    opened = dial(parameters)
    if isinstance(opened, facts.Refused):
        return opened
    with closing(opened) as session:
        try:
            return _session(session, schema)
        except NoAnswer:
            return facts.Refused(facts.Refusal.SILENT)
        except psycopg.Error as error:
            return facts.Refused(facts.Refusal.OTHER, error.diag.message_primary or "the session was lost")


def _session(session: BoundedConnection[DictRow], schema: str) -> facts.Session:
    asked = time.time()
    row = session.execute(query("session"), {"schema": schema}).fetchone() or {}
    answered = time.time()
    return facts.Session(
        bool(row["schema_exists"]),
        bool(row["schema_usage"]),
        bool(row["schema_create"]),
        tuple(row["denied"]),
        str(row["read_only"]),
        clock_ahead(float(row["clock"]), asked, answered),
    )


def clock_ahead(clock: float, asked: float, answered: float) -> float:
    """Seconds that a clock read between two moments of ours is ahead of ours, beyond any doubt.

    >>> clock_ahead(100.5, 100.0, 101.0)
    0.0
    >>> clock_ahead(90.0, 100.0, 101.0)
    -10.0
    """
    return max(0.0, clock - answered) or min(0.0, clock - asked)
