"""How far a standby file has come, kept in the file itself: one transaction moves rows and place together."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import cast

import apsw

from opskit.schema.model import Schema
from opskit.schema.sqlite_file import rows

TABLE = "opskit_standby"
"""The table that holds the place; the only one in the file that is not the application's."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far the file has come.

    Attributes:
        position: everything before this place in PostgreSQL's log is in the file.
        at: the moment that the file shows, by the server's clock.
        opened: when the way back was opened.
        followed: the tables whose changes the log tells from here on.
        verified: when both sides were last compared whole, row by row.
    """

    position: int
    at: datetime
    opened: datetime
    followed: tuple[str, ...] = ()
    verified: datetime | None = None


def read_place(file: apsw.Connection) -> Place | None:
    """The place, None in a file that has not followed yet.

    Raises:
        apsw.Error: the file cannot be read.
    """
    if not rows(file, "SELECT 1 FROM sqlite_schema WHERE name = ?", (TABLE,)):
        return None
    found = rows(file, f"SELECT place FROM {TABLE}")
    if not found:
        return None
    kept = cast("dict[str, str]", json.loads(str(found[0][0])))
    verified = kept["verified"]
    return Place(
        int(kept["position"]),
        datetime.fromisoformat(kept["at"]),
        datetime.fromisoformat(kept["opened"]),
        tuple(kept["followed"]),
        datetime.fromisoformat(verified) if verified else None,
    )


def write_place(file: apsw.Connection, place: Place) -> None:
    """Keeps the place, inside the transaction that moves the rows.

    Raises:
        apsw.Error: the file cannot be written.
    """
    rows(file, f"CREATE TABLE IF NOT EXISTS {TABLE} (place TEXT NOT NULL)")
    rows(file, f"DELETE FROM {TABLE}")
    rows(file, f"INSERT INTO {TABLE} VALUES (?)", (json.dumps(asdict(place), default=datetime.isoformat),))


def application_schema(schema: Schema) -> Schema:
    """What of a standby file's schema is the application's."""
    return replace(schema, tables=tuple(table for table in schema.tables if table.name != TABLE))
