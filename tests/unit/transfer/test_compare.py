"""The differences that are reported explain exactly what is different between two multisets of rows."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.transfer import compare
from opskit.transfer.compare import Differences, Kind, RowDifference, Shape, find_differences, same_value
from opskit.transfer.source import _ESCAPES

KEYED = Shape(("a", "b", "c"), ("bigint", "text", "text"), (1, 0))
KEYLESS = Shape(("a", "b", "c"), ("bigint", "text", "text"), ())

Row = tuple[str | None, ...]

VALUE = st.none() | st.sampled_from(["", "0", "1", "\\N", "x\ty", "\\", "\n", "🐘\b\f\v\r"])
ROWS = st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=14)


def line(row: Row) -> bytes:
    return b"\t".join(b"\\N" if value is None else escaped(value.encode()) for value in row)


def escaped(value: bytes) -> bytes:
    for plain, coded in _ESCAPES:
        value = value.replace(plain, coded)
    return value


def differences(source: Sequence[Row], target: Sequence[Row], shape: Shape) -> Differences:
    return find_differences(lambda: map(line, source), lambda: map(line, target), shape)


def key_of(found: RowDifference, shape: Shape) -> Row:
    return tuple(found.key[shape.names[position]] for position in shape.key or (0, 1, 2))


@given(source=ROWS, target=ROWS, seed=st.randoms())
def test_without_a_key_every_surplus_row_is_reported_once(
    source: list[Row], target: list[Row], seed: object
) -> None:
    found = differences(source, target, KEYLESS)
    missing, extra = Counter(source) - Counter(target), Counter(target) - Counter(source)
    assert Counter(key_of(one, KEYLESS) for one in found.rows if one.kind is Kind.MISSING) == missing
    assert Counter(key_of(one, KEYLESS) for one in found.rows if one.kind is Kind.EXTRA) == extra
    assert not [one for one in found.rows if one.kind is Kind.CHANGED]


@given(source=ROWS, target=ROWS)
def test_with_a_key_the_surplus_of_each_key_is_changed_missing_or_extra(
    source: list[Row], target: list[Row]
) -> None:
    found = differences(source, target, KEYED)
    missing, extra = Counter(source) - Counter(target), Counter(target) - Counter(source)
    lost = Counter((row[1], row[0]) for row in missing.elements())
    won = Counter((row[1], row[0]) for row in extra.elements())
    by_kind = {kind: Counter(key_of(one, KEYED) for one in found.rows if one.kind is kind) for kind in Kind}
    assert by_kind[Kind.CHANGED] == lost & won
    assert by_kind[Kind.MISSING] == lost - won
    assert by_kind[Kind.EXTRA] == won - lost


@given(rows=ROWS, shape=st.sampled_from([KEYED, KEYLESS]), seed=st.randoms())
def test_the_same_rows_in_another_order_do_not_differ(rows: list[Row], shape: Shape, seed: object) -> None:
    assert differences(rows, rows[::-1], shape) == Differences((), complete=True)


def test_a_changed_row_names_its_key_and_its_columns() -> None:
    found = differences([("1", "x", "old"), ("2", "y", None)], [("1", "x", "new"), ("2", "y", "")], KEYED)
    assert sorted(map(str, found.rows)) == ["changed: b=x, a=1 (c)", "changed: b=y, a=2 (c)"]


def test_a_row_that_moved_to_another_key_is_missing_and_extra() -> None:
    found = differences([("1", "x", "v")], [("2", "x", "v")], KEYED)
    assert sorted(map(str, found.rows)) == ["extra in target: b=x, a=2", "missing in target: b=x, a=1"]


def test_a_difference_stays_on_one_line_and_short() -> None:
    text = str(RowDifference(Kind.MISSING, {"a": "one\ntwo\x1b[31m", "b": None, "c": "x" * 5000}))
    assert text.startswith(r"missing in target: a=one\ntwo\x1b[31m, b=NULL, c=xxx")
    assert text.isprintable()
    assert len(text) < 300
    assert str(RowDifference(Kind.EXTRA, {"a": "Größe 🐘"})) == "extra in target: a=Größe 🐘"


def test_many_differences_are_cut_and_told_to_be_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "EXAMINED", 10)
    rows: list[Row] = [(str(number), "x", "v") for number in range(1000)]
    found = differences(rows, [], KEYED)
    assert len(found.rows) == compare.REPORTED
    assert not found.complete


def test_as_many_differences_as_are_reported_are_complete() -> None:
    rows: list[Row] = [(str(number), "x", "v") for number in range(compare.REPORTED)]
    found = differences(rows, [], KEYED)
    assert (len(found.rows), found.complete) == (compare.REPORTED, True)


@pytest.mark.parametrize(
    ("left", "right", "pg_type", "same"),
    [
        (b"1.50", b"1.5", "numeric", True),
        (b"1.50", b"1.51", "numeric(10,2)", False),
        (b"0.1", b"0.10000000000000001", "double precision", True),
        (b"0.1", b"0.2", "double precision", False),
        (b"-0", b"0", "double precision", True),
        (b"\\N", b"0", "bigint", False),
        (b"\\N", b"\\N", "bigint", True),
        (b"\\\\N", b"\\N", "text", False),
        (b"1.0", b"1", "text", False),
        (b"\\N\\N", b"x", "numeric", False),
        (b'{"a":1}', b'{"a": 1}', "jsonb", True),
        (b'{"a":1}', b'{"a": 2}', "jsonb", False),
        (b"{", b"}", "json", False),
    ],
)
def test_two_spellings_of_one_value(left: bytes, right: bytes, pg_type: str, same: bool) -> None:
    assert same_value(left, right, pg_type) is same


def test_a_keyless_row_in_another_spelling_is_no_difference() -> None:
    shape = Shape(("n",), ("numeric",), ())
    assert find_differences(lambda: [b"1.50"], lambda: [b"1.5"], shape).rows == ()
