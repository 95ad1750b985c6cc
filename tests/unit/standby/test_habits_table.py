"""How the application writes is read from its values once, and again when columns have changed."""

from collections.abc import Iterator

import apsw
import pytest

from opskit.schema.matching import Matching, match
from opskit.schema.names import map_names
from opskit.schema.sqlite_file import rows
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.target_schema import PgColumn, PgTable, TargetSchema
from opskit.standby.habits_table import habits_of
from opskit.standby.place_table import application_schema

MOMENT = "timestamp with time zone"
TYPES = {"iso": MOMENT, "ms": MOMENT, "token": "uuid", "data": "bytea", "never": MOMENT, "asked": MOMENT}


@pytest.fixture
def file() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    rows(
        connection,
        """CREATE TABLE t (iso TIMESTAMP, ms INTEGER, token TEXT, data BLOB, never TIMESTAMP, asked INTEGER);
           INSERT INTO t VALUES ('2025-08-14T12:33:01Z', 1700000000000, '0f8fad5bd9cb469fa16570867728950e',
                                 x'00', NULL, NULL);""",
    )
    yield connection
    connection.close()


def matched(file: apsw.Connection) -> Matching:
    source = application_schema(read_schema(file))
    known = {column.name for table in source.tables for column in table.columns}
    columns = tuple(PgColumn(name, pg_type) for name, pg_type in TYPES.items() if name in known)
    target = TargetSchema("public", {"t": PgTable("t", columns=columns)})
    return match(source, target, map_names(source))


def test_what_was_read_is_kept_whatever_the_values_are_then(file: apsw.Connection) -> None:
    overrides = {"t.asked": f"{MOMENT}(epoch)"}
    first = habits_of(file, matched(file), overrides)
    rows(file, "UPDATE t SET iso = '2025-08-14 12:33:01', token = 'other', data = 'text', ms = NULL")
    assert habits_of(file, matched(file), overrides) == first
    assert len(first.habits) == 4
    assert set(first.units) == {("t", "ms"), ("t", "asked")}


@pytest.mark.parametrize("change", ["overrides", "columns"])
def test_what_has_changed_is_read_again(file: apsw.Connection, change: str) -> None:
    first = habits_of(file, matched(file), {})
    rows(file, "UPDATE t SET iso = '2025-08-14 12:33:01'")
    if change == "columns":
        rows(file, "ALTER TABLE t DROP COLUMN never")
    second = habits_of(file, matched(file), {"t.asked": f"{MOMENT}(epoch)"} if change == "overrides" else {})
    assert second.habits["t", "iso"] != first.habits["t", "iso"]
