"""Queries put into one statement."""

from opskit.exporter.calls import Call, joined

NAMES = Call("names", b"select $1::text as name, $2::int as age;\n", (b"a", b"1"), joins=True)
AGES = Call("ages", b"select $1::int as age where $1 <> '$'", (b"2",), joins=True)
SLOW = Call("slow", b"select 1")


def test_parameters_are_counted_on() -> None:
    one = joined((NAMES, SLOW, AGES), frozenset())
    assert one is not None
    assert one.calls == (NAMES, AGES)
    assert one.parameters == (b"a", b"1", b"2")
    assert b"select $1::text as name, $2::int as age\n" in one.statement
    assert b"select $3::int as age where $3 <> '$'\n" in one.statement


def test_each_has_its_rows_and_the_time_between_two_moments() -> None:
    one = joined((NAMES, AGES), frozenset())
    assert one is not None
    found = one.outcomes(b'[0.25, [{"name": "a", "age": null}], 0.5, null, 1.5]')
    assert found["names"].rows == ({"name": "a", "age": None},)
    assert (found["ages"].rows, found["ages"].failure) == ((), None)
    assert [outcome.seconds for outcome in found.values()] == [0.25, 1.0]


def test_one_alone_shares_with_nobody() -> None:
    assert joined((NAMES, SLOW), frozenset()) is None
    assert joined((NAMES, AGES), frozenset({"ages"})) is None


def test_statements_of_other_queries_have_other_names() -> None:
    names = {joined(calls, frozenset()) for calls in ((NAMES, AGES), (AGES, NAMES))}
    assert len({one.name for one in names if one}) == 2
