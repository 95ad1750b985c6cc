import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.adapters.api import Json, Parameter, Value
from opskit.adapters.values import Stored, sqlite_decoder, to_postgresql, to_sqlite
from opskit.errors import QueryFailed


def decoded(declared: str, stored: Stored) -> Value:
    decoder = sqlite_decoder(declared)
    return decoder(stored) if decoder else stored


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (datetime(2025, 8, 14, 12, 33, 1), "2025-08-14 12:33:01"),  # noqa: DTZ001 - that is the case
        (datetime(2025, 8, 14, 12, 33, 1, 5, tzinfo=UTC), "2025-08-14 12:33:01.000005"),
        (date(2025, 8, 14), "2025-08-14"),
        (Decimal("1.50"), 1.5),
        (Decimal("7.00"), 7),
        (Decimal("1E+3"), 1000),
        (Decimal(2**63 - 1), 2**63 - 1),
        (Decimal("12345678901.2345"), 12345678901.2345),
        (Decimal("Infinity"), math.inf),
        (Json({"ü": [1, None]}), '{"ü":[1,null]}'),
        (True, True),
    ],
)
def test_sqlite_stores_what_its_functions_understand(value: Parameter, stored: Stored) -> None:
    assert to_sqlite(value) == stored
    assert type(to_sqlite(value)) is type(stored)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        Decimal("NaN"),
        Decimal("12345678901234567890.123456789"),
        Decimal("1E+400"),
        2**63,
        -(2**63) - 1,
    ],
)
def test_what_sqlite_would_change_is_refused(value: Parameter) -> None:
    with pytest.raises(QueryFailed):
        to_sqlite(value)


@pytest.mark.parametrize(
    ("declared", "stored", "value"),
    [
        ("BOOLEAN", 1, True),
        ("BOOLEAN", 0, False),
        ("boolean default 0", 2, 2),
        ("BOOLEAN", "yes", "yes"),
        ("DECIMAL(10,2)", 1.5, Decimal("1.50")),
        ("decimal(10, 2)", 1.005, Decimal("1.005")),
        ("DECIMAL(10)", 12, Decimal(12)),
        ("NUMERIC", 1.5, Decimal("1.5")),
        ("DECIMAL(10,2)", "n/a", "n/a"),
        ("TIMESTAMP", "2025-08-14 12:33:01", datetime(2025, 8, 14, 12, 33, 1, tzinfo=UTC)),
        ("DATETIME", "2025-08-14T12:33:01.5Z", datetime(2025, 8, 14, 12, 33, 1, 500000, tzinfo=UTC)),
        ("DATETIME", "2025-08-14 12:33:01+02:00", datetime(2025, 8, 14, 10, 33, 1, tzinfo=UTC)),
        ("TIMESTAMP WITH TIME ZONE", "2025-08-14", datetime(2025, 8, 14, tzinfo=UTC)),
        ("TIMESTAMP", "2025-02-30 00:00:00", "2025-02-30 00:00:00"),
        ("TIMESTAMP", "yesterday", "yesterday"),
        ("TIMESTAMP", "0001-01-01 00:00:00+02:00", "0001-01-01 00:00:00+02:00"),
        ("TIMESTAMP", 1755174781, 1755174781),
        ("DATE", "2025-08-14", date(2025, 8, 14)),
        ("DATE", "2025-13-14", "2025-13-14"),
        ("JSON", '{"a":1}', {"a": 1}),
        ("JSON", "{broken", "{broken"),
        ("JSON", 5, 5),
        ("TEXT", '{"a":1}', '{"a":1}'),
        ("VARCHAR(10)", "x", "x"),
        ("", 1, 1),
    ],
)
def test_sqlite_columns_come_back_as_declared_or_as_stored(
    declared: str, stored: Stored, value: Value
) -> None:
    assert decoded(declared, stored) == value
    assert type(decoded(declared, stored)) is type(value)


@pytest.mark.parametrize("declared", ["BOOLEAN", "DECIMAL(10,2)", "TIMESTAMP", "DATE", "JSON"])
def test_null_stays_null(declared: str) -> None:
    assert decoded(declared, None) is None


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_survives_sqlite(moment: datetime) -> None:
    try:
        stored = to_sqlite(moment)
    except QueryFailed:
        return  # within a day of year 1 or 9999 there is no UTC for it
    assert decoded("TIMESTAMP", stored) == moment.astimezone(UTC)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10))
def test_every_price_survives_sqlite(price: Decimal) -> None:
    stored = to_sqlite(price)
    assert str(decoded("DECIMAL(14,4)", stored)) == str(price + Decimal("0.0000"))


def test_postgresql_reads_a_time_without_zone_as_utc() -> None:
    naive = datetime(2025, 8, 14, 12)  # noqa: DTZ001 - that is the case
    assert to_postgresql(naive) == naive.replace(tzinfo=UTC)
