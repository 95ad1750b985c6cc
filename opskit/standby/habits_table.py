"""How the application writes, kept in the standby's file: reading it anew may mean to look at every row."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TypedDict, cast

import apsw

from opskit.capture.habits import Written, read_habits
from opskit.capture.restore import Habits
from opskit.capture.spelling import Form, Spelling
from opskit.schema.matching import Matching
from opskit.schema.sqlite_file import rows

TABLE = "opskit_habits"
"""The table that holds them."""


class _SpellingJson(TypedDict):
    separator: str
    fraction: int
    zone: str


class _Json(TypedDict):
    habits: list[tuple[str, str, _SpellingJson | None, str | None]]
    units: list[tuple[str, str, str]]


def habits_of(file: apsw.Connection, matching: Matching, overrides: Mapping[str, str]) -> Written:
    """How the columns are written that leave a choice; read from the values again when columns have changed.

    Inside a transaction of the file.

    Args:
        overrides: see `read_habits`.

    Raises:
        apsw.Error: the file cannot be read or written.
    """
    columns = _columns(matching, overrides)
    rows(file, f"CREATE TABLE IF NOT EXISTS {TABLE} (columns TEXT NOT NULL, written TEXT NOT NULL)")
    kept = rows(file, f"SELECT written FROM {TABLE} WHERE columns = ?", (columns,))
    if kept:
        return _of_json(cast("_Json", json.loads(str(kept[0][0]))))
    written = read_habits(file, matching, overrides)
    rows(file, f"DELETE FROM {TABLE}")
    rows(file, f"INSERT INTO {TABLE} VALUES (?, ?)", (columns, json.dumps(_to_json(written))))
    return written


def _columns(matching: Matching, overrides: Mapping[str, str]) -> str:
    """What the habits depend on beside the values."""
    columns = [
        (table.source.name, column.source, column.pg_type)
        for table in matching.tables
        for column in table.columns
    ]
    return json.dumps([sorted(columns), sorted(overrides.items())])


def _to_json(written: Written) -> _Json:
    habits = [
        (
            *place,
            cast("_SpellingJson", asdict(one.spelling)) if one.spelling else None,
            one.form.value if one.form else None,
        )
        for place, one in written.habits.items()
    ]
    return {"habits": habits, "units": [(*place, unit) for place, unit in written.units.items()]}


def _of_json(kept: _Json) -> Written:
    habits = {
        (table, column): Habits(Spelling(**spelling) if spelling else None, Form(form) if form else None)
        for table, column, spelling, form in kept["habits"]
    }
    return Written(habits, {(table, column): unit for table, column, unit in kept["units"]})
