"""How far a standby file has come, kept in the file itself: one transaction moves rows and place together."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TypedDict, cast

import apsw

from opskit.schema.model import Schema
from opskit.schema.sqlite_file import rows
from opskit.standby.place import Followed, Place

TABLE = "opskit_standby"
"""The table that holds the place."""

_OURS = "opskit_"
"""How tables of opskit's begin, in the application's file too."""


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
    return _of_json(cast("_Json", json.loads(str(found[0][0]))))


def place_of(path: Path) -> Place | None:
    """How far a file has come that nobody writes; None when there is none, or it cannot be read."""
    try:
        file = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error:
        return None
    try:
        return read_place(file)
    except apsw.Error:
        return None
    finally:
        file.close()


def write_place(file: apsw.Connection, place: Place) -> None:
    """Keeps the place, inside the transaction that moves the rows.

    Raises:
        apsw.Error: the file cannot be written.
    """
    rows(file, f"CREATE TABLE IF NOT EXISTS {TABLE} (place TEXT NOT NULL)")
    rows(file, f"DELETE FROM {TABLE}")
    rows(file, f"INSERT INTO {TABLE} VALUES (?)", (json.dumps(asdict(place), default=datetime.isoformat),))


class _Json(TypedDict):
    server: str
    position: int
    at: str
    opened: str
    followed: dict[str, "_FollowedJson"]


class _FollowedJson(TypedDict):
    fingerprint: str
    verified: str


def _of_json(kept: _Json) -> Place:
    followed = {
        name: Followed(one["fingerprint"], datetime.fromisoformat(one["verified"]))
        for name, one in kept["followed"].items()
    }
    at, opened = datetime.fromisoformat(kept["at"]), datetime.fromisoformat(kept["opened"])
    return Place(kept["server"], kept["position"], at, opened, followed)


def application_schema(schema: Schema) -> Schema:
    """What of a standby file's schema is the application's."""
    return replace(schema, tables=tuple(one for one in schema.tables if not one.name.startswith(_OURS)))
