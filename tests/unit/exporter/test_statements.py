"""Statement statistics that stay steady over time."""

from hypothesis import given
from hypothesis import strategies as st

from opskit.exporter.reading import Row
from opskit.exporter.statements import Ratchet, Statements, members


def test_the_first_members_are_the_costliest() -> None:
    assert members(frozenset(), ["a", "b", "c"], 2) == {"a", "b"}


def test_a_member_stays_while_it_is_among_twice_as_many() -> None:
    assert members(frozenset("cd"), ["a", "b", "c", "d", "e"], 2) == {"c", "d"}


def test_a_member_that_fell_further_leaves_its_place_to_the_costliest_other() -> None:
    assert members(frozenset("ce"), ["a", "b", "c", "d", "e"], 2) == {"a", "c"}


def test_a_forgotten_member_leaves_its_place() -> None:
    assert members(frozenset("xy"), ["a", "b"], 2) == {"a", "b"}


@given(st.frozensets(st.sampled_from("abcdefgh")), st.permutations("abcdefgh"), st.integers(0, 10))
def test_there_are_never_more_members_than_the_limit_nor_fewer_than_possible(
    previous: frozenset[str], ranked: list[str], limit: int
) -> None:
    assert len(members(previous, ranked, limit)) == min(limit, len(ranked))


def published(*values: float) -> list[object]:
    ratchet = Ratchet("kind", ("calls",))
    return [ratchet.apply({"kind": "select", "calls": value})["calls"] for value in values]


def test_a_sum_that_grows_is_published_as_it_is() -> None:
    assert published(10, 15, 15) == [10, 15, 15]


def test_a_sum_that_falls_by_an_eviction_stays_and_then_grows_by_what_is_added() -> None:
    assert published(100, 90, 95) == [100, 100, 105]


def test_kinds_do_not_mix() -> None:
    ratchet = Ratchet("kind", ("calls",))
    ratchet.apply({"kind": "select", "calls": 100})
    assert ratchet.apply({"kind": "insert", "calls": 1}) == {"kind": "insert", "calls": 1}


def statement(queryid: str | None, seconds: float, calls: float = 1) -> Row:
    return {"queryid": queryid, "calls": calls, "seconds": seconds, "rows": 0.0, "blocks_read": 0.0}


def sums(told: tuple[Row, ...]) -> dict[object, object]:
    return {row["kind"]: row["calls"] for row in told if "calls" in row}


def singly(told: tuple[Row, ...]) -> dict[object, object]:
    return {row["queryid"]: row["kind"] for row in told if "top" in row}


def test_a_kind_is_looked_up_once_for_each_statement() -> None:
    statements = Statements(1)
    assert statements.unknown([statement("1", 5), statement("2", 9), statement(None, 1)]) == ["1", "2"]
    statements.learn([{"queryid": "1", "kind": "select"}, {"queryid": "2", "kind": "update"}])
    assert statements.unknown([statement("1", 5), statement("2", 9), statement("3", 1)]) == ["3"]


def test_a_statement_that_is_gone_is_forgotten() -> None:
    statements = Statements(1)
    statements.learn([{"queryid": "1", "kind": "select"}])
    assert statements.unknown([]) == []
    assert statements.unknown([statement("1", 5)]) == ["1"]


def test_statements_are_summed_by_kind_and_the_costliest_told_singly() -> None:
    statements = Statements(1)
    statements.learn([{"queryid": "1", "kind": "select"}, {"queryid": "2", "kind": "select"}])
    told = statements.told([statement(None, 90, 7), statement("2", 9, 20), statement("1", 5, 10)])
    assert sums(told) == {"select": 30, "hidden": 7}
    assert singly(told) == {"2": "select"}


def test_a_statement_whose_kind_was_not_found_is_among_the_others() -> None:
    told = Statements(1).told([statement("1", 5, 3)])
    assert (sums(told), singly(told)) == ({"other": 3}, {"1": "other"})
