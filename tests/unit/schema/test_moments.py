"""Numbers that count time are recognised by their size, and mean the moments that SQLite takes them for."""

from datetime import UTC, datetime
from itertools import pairwise

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.schema.model import Affinity, Column
from opskit.schema.moments import WINDOWS, Unit, may_count_time, moment_text, server_type, unit_in, unit_of
from opskit.schema.sqlite_file import rows


@pytest.mark.parametrize(
    ("lowest", "highest", "unit"),
    [
        (1_700_000_000, 1_800_000_000, Unit.SECONDS),
        (1_700_000_000.25, 1_700_000_000.25, Unit.SECONDS),
        (1_700_000_000_000, 1_800_000_000_000, Unit.MILLISECONDS),
        (1_700_000_000_000_000, 1_800_000_000_000_000, Unit.MICROSECONDS),
        (2_460_310.5, 2_461_000, Unit.JULIAN),
        (0, 1_700_000_000, None),
        (1, 7, None),
        (1_700_000_000, 1_700_000_000_000, None),
        (-1, 1e300, None),
        (float("-inf"), float("inf"), None),
    ],
)
def test_a_unit_is_recognised_when_all_numbers_are_of_our_time(
    lowest: float, highest: float, unit: Unit | None
) -> None:
    assert unit_of(lowest, highest) is unit


def test_no_number_is_of_our_time_in_two_units() -> None:
    ends = sorted(WINDOWS.values())
    assert all(before[1] < after[0] for before, after in pairwise(ends))


@pytest.mark.parametrize(
    ("name", "declared", "affinity", "expected"),
    [
        ("created_at", "INTEGER", Affinity.INTEGER, True),
        ("createdAt", "INTEGER", Affinity.INTEGER, True),
        ("CREATED_AT", "INTEGER", Affinity.INTEGER, True),
        ("timestamp", "REAL", Affinity.REAL, True),
        ("start_time_ms", "BIGINT", Affinity.INTEGER, True),
        ("mtime", "INTEGER", Affinity.INTEGER, True),
        ("format", "INTEGER", Affinity.INTEGER, False),
        ("status", "INTEGER", Affinity.INTEGER, False),
        ("created_at", "TEXT", Affinity.TEXT, False),
        ("x", "DATETIME", Affinity.NUMERIC, True),
    ],
)
def test_a_column_may_count_time_by_its_name_or_declaration(
    name: str, declared: str, affinity: Affinity, expected: bool
) -> None:
    assert may_count_time(Column(name, declared, affinity)) is expected


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, Unit.SECONDS, "1970-01-01 00:00:00+00"),
        (1_700_000_000.123456, Unit.SECONDS, "2023-11-14 22:13:20.123456+00"),
        (1_700_000_000.1234567, Unit.SECONDS, "2023-11-14 22:13:20.123457+00"),
        (1_700_000_000_001, Unit.MILLISECONDS, "2023-11-14 22:13:20.001+00"),
        (-1, Unit.MICROSECONDS, "1969-12-31 23:59:59.999999+00"),
        (2_440_587.5, Unit.JULIAN, "1970-01-01 00:00:00+00"),
        (253_402_300_799, Unit.SECONDS, "9999-12-31 23:59:59+00"),
        (253_402_300_800, Unit.SECONDS, None),
        (-62_135_596_800, Unit.SECONDS, "0001-01-01 00:00:00+00"),
        (-62_135_596_801, Unit.SECONDS, None),
        (2**63 - 1, Unit.SECONDS, None),
        (float("inf"), Unit.JULIAN, None),
    ],
)
def test_a_number_means_a_moment_in_its_unit(value: float, unit: Unit, text: str | None) -> None:
    assert moment_text(value, unit) == text


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001  hypothesis wants them so
def test_julian_days_and_seconds_mean_what_sqlite_takes_them_for(moment: datetime) -> None:
    text = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC).isoformat(" ")
    connection = apsw.Connection(":memory:")
    try:
        ((julian, seconds, back),) = rows(
            connection,
            "SELECT julianday(?1), unixepoch(?1, 'subsec'), strftime('%Y-%m-%d %H:%M:%f', julianday(?1))",
            (text,),
        )
    finally:
        connection.close()
    assert isinstance(julian, float)
    assert isinstance(seconds, float)
    for number, unit in ((julian, Unit.JULIAN), (seconds, Unit.SECONDS)):
        printed = moment_text(number, unit)
        assert printed is not None
        assert datetime.fromisoformat(printed) == datetime.fromisoformat(f"{back}+00:00")


def test_a_type_names_the_unit_that_its_values_come_from() -> None:
    assert unit_in("timestamp with time zone(epoch_ms)") is Unit.MILLISECONDS
    assert server_type("timestamp with time zone(epoch_ms)") == "timestamp with time zone"
    assert unit_in("timestamp(3) with time zone") is None
    assert server_type("timestamp(3) with time zone") == "timestamp(3) with time zone"
