"""What is shown first."""

from dataclasses import replace

from opskit.top.model import Cost, Session
from opskit.top.ranking import Sort, costliest, following, in_order, spent

COSTS = {"a": Cost(10, 1, 5), "b": Cost(1, 0.9, 50), "c": Cost(20, 0.1, 0), "d": Cost()}


def test_statements_are_ranked_by_what_is_asked_for_and_those_that_did_not_run_are_left_out() -> None:
    ranked = {sort: "".join(queryid for queryid, _ in costliest(COSTS, sort, 9)) for sort in Sort}
    assert ranked == {Sort.TIME: "abc", Sort.CALLS: "cab", Sort.MEAN: "bac", Sort.ROWS: "bac"}
    assert len(costliest(COSTS, Sort.TIME, 2)) == 2


def test_sorting_goes_round() -> None:
    sort = Sort.TIME
    for _ in Sort:
        sort = following(sort)
    assert sort is Sort.TIME


def test_what_was_spent_is_the_difference_and_all_of_what_is_new_or_began_anew() -> None:
    before = {"a": Cost(4, 0.5, 5), "b": Cost(7, 3, 9), "gone": Cost(1, 1, 1)}
    assert spent(before, COSTS) == {"a": Cost(6, 0.5, 0), "b": COSTS["b"], "c": COSTS["c"], "d": Cost()}


def test_blockers_come_first_then_the_blocked_then_who_has_been_at_it_longest() -> None:
    one = Session(1, "u", "", "", "active", 9, None, "", (), "")
    idle = replace(one, pid=2, seconds=60)
    blocker = replace(one, pid=3, seconds=1)
    blocked = replace(one, pid=4, seconds=2, blocked_by=(3, 0))
    assert [session.pid for session in in_order([one, idle, blocked, blocker])] == [3, 4, 2, 1]
