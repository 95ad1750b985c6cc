"""Statement statistics that stay steady over time."""

from hypothesis import given
from hypothesis import strategies as st

from opskit.exporter.reading import Row
from opskit.exporter.statements import KNOWN_LIMIT, Ratchet, Statements, lacks_kinds, members


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


def statement(queryid: str | None, kind: str | None, seconds: float, calls: float = 1) -> Row:
    return {
        "queryid": queryid,
        "kind": kind,
        "calls": calls,
        "seconds": seconds,
        "rows": 0.0,
        "blocks_read": 0.0,
    }


def test_kinds_that_are_known_are_not_looked_up_again() -> None:
    statements = Statements(1)
    assert (statements.known, statements.parameters) == (b"{}", (b"{}", b"{}", b"2"))
    statements.learn([{"queryid": "1", "kind": "select"}])
    statements.learn([{"queryid": "-2", "kind": "update"}])
    assert (statements.known, statements.parameters) == (b"{1,-2}", (b"{1,-2}", b"{select,update}", b"2"))


def test_what_is_remembered_does_not_grow_without_end() -> None:
    statements = Statements(1)
    statements.learn([{"queryid": str(number), "kind": "select"} for number in range(KNOWN_LIMIT)])
    statements.learn([{"queryid": "new", "kind": "select"}])
    assert statements.known == b"{new}"


def test_a_sum_without_a_kind_has_to_be_looked_up() -> None:
    assert lacks_kinds([statement(None, "select", 1), statement(None, None, 1)])
    assert not lacks_kinds([statement(None, "select", 1), statement(None, "hidden", 1)])


def test_sums_are_told_by_kind_and_the_costliest_singly() -> None:
    rows = [
        statement(None, "select", 14, 30),
        statement(None, "hidden", 90, 7),
        statement("2", "select", 9, 20),
        statement("1", "select", 5, 10),
    ]
    told = Statements(1).told(rows)
    assert {row["kind"]: row["calls"] for row in told if "calls" in row} == {"select": 30, "hidden": 7}
    assert [(row["queryid"], row["kind"], row["top_calls"]) for row in told if "top" in row] == [
        ("2", "select", 20)
    ]


def test_what_came_after_the_kinds_were_looked_up_waits_for_the_next_reading() -> None:
    assert Statements(1).told([statement(None, None, 5, 3), statement("1", None, 5, 3)]) == ()
