"""Rows of a view are compared as multisets of values, however each engine's driver spells them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from opskit.schema.sqlite_file import Value
from opskit.transfer.views import differing_rows


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (1, 1),
        (1, True),
        (0, False),
        (1.0, 1),
        (12.5, Decimal("12.50")),
        (0.1 + 0.2, 0.3),
        (1e15, Decimal(10**15)),
        (None, None),
        ("x", "x"),
        (b"\0", b"\0"),
        ("2025-08-14 12:33:01", datetime(2025, 8, 14, 12, 33, 1, tzinfo=UTC)),
        ("2025-08-14 12:33:01", datetime(2025, 8, 14, 14, 33, 1, tzinfo=timezone(timedelta(hours=2)))),
        ("2025-08-14", date(2025, 8, 14)),
        ('{"b":1,  "a": [1.50, null, "ä"]}', {"a": [1.5, None, "ä"], "b": 1}),
        ('"a \\u00e4"', "a ä"),
        ("[1, ", "[1, "),
        ("00000000-0000-0000-0000-000000000001", UUID(int=1)),
    ],
)
def test_values_that_are_the_same(source: Value, target: object) -> None:
    assert differing_rows([(source,)], [(target,)]) == 0


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (1, 2),
        (1.5, 1),
        (0.1, Decimal("0.2")),
        (None, ""),
        ("x", "X"),
        (b"x", "x"),
        ("2025-08-14 12:33:01", datetime(2025, 8, 14, 12, 33, 2, tzinfo=UTC)),
        (2**60, 2**60 + 1),
        ('{"a": 1}', {"a": 2}),
        ("[1, 2]", [2, 1]),
    ],
)
def test_values_that_differ(source: Value, target: object) -> None:
    assert differing_rows([(source,)], [(target,)]) == 2


def test_rows_without_a_twin_are_counted_on_both_sides() -> None:
    assert differing_rows([(1,), (1,), (2,)], [(1,), (3,)]) == 3
    assert differing_rows([], [(1,)]) == 1
    assert differing_rows([(2,), (1,)], [(1,), (2,)]) == 0
