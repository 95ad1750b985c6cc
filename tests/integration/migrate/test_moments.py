"""Moments: texts read as UTC; numbers stay numbers and their unit is told; overrides convert them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.conftest import TestDatabase
from tests.support import Opskit, Result, make_sqlite, query

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
SECONDS = 1_700_000_000


class Migrate:
    """Migrates a table `t` with columns of given declarations and values, one row for each value."""

    def __init__(
        self, opskit: Opskit, database: TestDatabase, postgresql: PrivateCluster, directory: Path
    ) -> None:
        self.opskit, self.database, self.directory = opskit, database, directory
        self.server = f"{{host: {postgresql.socket_directory}, port: {postgresql.port}, user: postgres}}"

    def __call__(
        self,
        columns: Mapping[str, tuple[str, Sequence[Any]]],
        overrides: Mapping[str, str] | None = None,
        *options: str,
    ) -> Result:
        declared = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
        marks = ", ".join("?" * len(columns))
        values = list(zip(*(values for _, values in columns.values()), strict=True))
        make_sqlite(
            self.directory / "t.db",
            f"CREATE TABLE t (id INTEGER PRIMARY KEY, {declared})",
            (f"INSERT INTO t ({', '.join(columns)}) VALUES ({marks})", values),
        )
        wanted = {f"t.{name}": kind for name, kind in (overrides or {}).items()}
        (self.directory / "opskit.yaml").write_text(
            f"databases: {{main: {{sqlite: t.db, postgresql: {self.database.name}}}}}\n"
            f"postgresql: {self.server}\nmigrate: {{overrides: {{main: {json.dumps(wanted)}}}}}\n"
        )
        return self.opskit("migrate", "-o", "json", *options, cwd=self.directory)

    def arrived(self, column: str) -> tuple[str, list[Any]]:
        """The type that a column became, and its values."""
        found = query(self.database, f"SELECT pg_typeof({column})::text, {column} FROM t ORDER BY id")
        return found[0][0], [value for _, value in found]

    def is_proven(self) -> bool:
        """Does verify agree?"""
        return self.opskit("verify", cwd=self.directory).code == 0


@pytest.fixture
def migrate(opskit: Opskit, database: TestDatabase, postgresql: PrivateCluster, tmp_path: Path) -> Migrate:
    return Migrate(opskit, database, postgresql, tmp_path)


def reason(result: Result, column: str) -> str:
    """Why a column became what it is."""
    assert result.code == 0, result.stdout
    (database,) = result.document["result"]["databases"]
    (table,) = database["tables"]
    (found,) = (one for one in table["columns"] if one["source"] == column)
    return str(found["reason"])


def told(result: Result, column: str) -> str:
    """What was told of a column; empty when nothing was."""
    assert result.code == 0, result.stdout
    found = (str(one) for one in result.document["warnings"] if f"column {column} of table t " in str(one))
    return "\n".join(found)


MIXED = {
    "2023-11-14 22:13:20": AT,
    "2023-11-14T22:13:20": AT,
    "2023-11-14T22:13:20Z": AT,
    "2023-11-14T23:13:20+01:00": AT,
    "2023-11-14 22:13": AT.replace(second=0),
    "2023-11-14": AT.replace(hour=0, minute=0, second=0),
    "2023-11-14 22:13:20.5": AT.replace(microsecond=500_000),
    "2023-11-14T22:13:20.123456Z": AT.replace(microsecond=123_456),
}


def test_text_of_any_mixture_reads_as_utc_and_offsets_that_are_not_kept_are_told(migrate: Migrate) -> None:
    zoneless = [value for value in MIXED if "+" not in value] * 2
    result = migrate({"v": ("DATETIME", list(MIXED)), "w": ("TIMESTAMP", zoneless[: len(MIXED)])})
    assert "in spellings of 10 to 27 characters" in reason(result, "w")
    assert told(result, "w") == ""
    assert "offsets are not kept, the moments are (id=4: '2023-11-14T23:13:20+01:00')" in told(result, "v")
    assert migrate.arrived("v") == ("timestamp with time zone", list(MIXED.values()))
    assert migrate.is_proven()


NUMBERS: Mapping[str, tuple[str, Sequence[float]]] = {
    "epoch": ("unix seconds", [SECONDS, SECONDS + 0.5]),
    "epoch_ms": ("unix milliseconds", [SECONDS * 1000, SECONDS * 1000 + 1]),
    "epoch_us": ("unix microseconds", [SECONDS * 10**6, SECONDS * 10**6 + 1]),
    "julian": ("julian days", [2460263.4259259258, 2460264.5]),
}


def test_numbers_in_columns_of_moments_stay_what_they_are_and_their_unit_is_told(migrate: Migrate) -> None:
    result = migrate({name: ("DATETIME", values) for name, (_, values) in NUMBERS.items()})
    for name, (title, values) in NUMBERS.items():
        pg_type = "double precision" if isinstance(values[1], float) else "bigint"
        assert f"became {pg_type}: declared DATETIME, the numbers look like {title}" in told(result, name)
        assert f"from {values[0]} (2023-11-14 22:13:20+00)" in told(result, name)
        assert f"the override timestamptz({name}) converts them" in told(result, name)
        assert migrate.arrived(name) == (pg_type, values)
    assert migrate.is_proven()


def test_an_override_converts_numbers_by_their_unit(migrate: Migrate) -> None:
    given = {name: ("NUMERIC", values) for name, (_, values) in NUMBERS.items()}
    recognised = {f"{name}_at": column for name, column in given.items()}
    overrides = {
        **{name: f"timestamptz({name})" for name in given},
        **dict.fromkeys(recognised, "timestamptz"),
    }
    result = migrate(
        {**given, **recognised, "day": ("INTEGER", [1_700_006_400, 1_700_092_800])},
        {**overrides, "day": "date(epoch)"},
    )
    for name in overrides:
        title = NUMBERS[name.removesuffix("_at")][0]
        assert f"as configured, all 2 values fit; numbers are {title}" in reason(result, name)
        # a unit that opskit picked is told, one that was configured is known
        assert bool(told(result, name)) is name.endswith("_at")
        pg_type, (first, second) = migrate.arrived(name)
        assert (pg_type, first, second > first) == ("timestamp with time zone", AT, True)
    assert migrate.arrived("day") == ("date", [date(2023, 11, 15), date(2023, 11, 16)])
    assert migrate.is_proven()


def test_an_override_with_its_unit_also_takes_texts_and_zero(migrate: Migrate) -> None:
    values = [0, SECONDS, "2023-11-14T22:13:20Z"]
    migrate({"v": ("DATETIME", values)}, {"v": "timestamptz(epoch)"})
    start = datetime(1970, 1, 1, tzinfo=UTC)
    assert migrate.arrived("v") == ("timestamp with time zone", [start, AT, AT])
    assert migrate.is_proven()


def test_overrides_that_do_not_hold_all_numbers_are_refused_with_examples(migrate: Migrate) -> None:
    result = migrate(
        {"day": ("INTEGER", [1_700_006_400, SECONDS]), "v": ("INTEGER", [0, SECONDS])},
        {"day": "date(epoch)", "v": "timestamptz"},
        "--misfits",
        "refuse",
    )
    assert result.code == 6
    assert [error["message"] for error in result.document["errors"]] == [
        "t.day: 1 of 2 values does not fit date(epoch), e.g. id=2: 1700000000",
        "t.v: 2 of 2 values do not fit timestamp with time zone, e.g. id=1: 0, id=2: 1700000000",
    ]


def test_texts_and_numbers_in_one_column_are_kept_exactly_and_counted_by_spelling(migrate: Migrate) -> None:
    texts = ["2023-11-14 22:13:20", "2023-11-15 22:13:20.25", "soon", "12:30"]
    values = [*texts, SECONDS, SECONDS + 1, SECONDS * 1000]
    result = migrate({"v": ("DATETIME", values)})
    for part in (
        "column v of table t became text: declared DATETIME, 5 of 7 values do not fit",
        "1 ISO texts, e.g. id=1: '2023-11-14 22:13:20'",
        "1 ISO texts, e.g. id=2: '2023-11-15 22:13:20.25'",
        "1 other texts, e.g. id=3: 'soon'",
        "1 times of day, e.g. id=4: '12:30'",
        "2 unix seconds, e.g. id=5: 1700000000 (2023-11-14 22:13:20+00)",
        "1 unix milliseconds, e.g. id=7: 1700000000000 (2023-11-14 22:13:20+00)",
        "3 integer values read back as text",
    ):
        assert part in told(result, "v")
    assert migrate.arrived("v") == ("text", [str(value) for value in values])
    assert migrate.is_proven()


ODD = (
    "12:30",
    "12:30:00",
    "0000-12-31 00:00:00",
    "-0001-01-01 00:00:00",
    "10000-01-01 00:00:00",
    "2023-11-14 24:00:00",
    "2023-11-14 23:59:60",
    "2023-02-29",
    "2023-11-14 22:13:20.1234567",
    "now",
    "",
)


@pytest.mark.parametrize("declared", ["DATETIME", "DATE", "TIMESTAMP TEXT"])
def test_what_is_no_moment_of_postgresql_is_neither_altered_nor_lost(migrate: Migrate, declared: str) -> None:
    columns = {f"v{number}": (declared, ["2023-11-14", value]) for number, value in enumerate(ODD)}
    result = migrate(columns)
    for name, (_, values) in columns.items():
        assert f"e.g. id=2: '{values[1]}'" in told(result, name)
        assert migrate.arrived(name) == ("text", values)
    assert migrate.is_proven()


def test_a_column_whose_name_alone_means_a_moment_is_stated_in_the_plan_only(migrate: Migrate) -> None:
    result = migrate({"created_at": ("INTEGER", [SECONDS, SECONDS])})
    assert "all 2 values fit; the numbers look like unix seconds" in reason(result, "created_at")
    assert told(result, "created_at") == ""
    assert migrate.arrived("created_at") == ("bigint", [SECONDS, SECONDS])
