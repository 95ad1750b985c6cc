"""How a standby follows, when it copies anew, and when a rollback would lose something."""

from datetime import UTC, datetime, timedelta

import pytest

from opskit.capture.position import Slot
from opskit.standby.decide import LATE, VERIFY, Conditions, Method, by_log, choose, due, reasons, why_whole
from opskit.standby.place import Followed, Place

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLACE = Place("server", 100, NOW, NOW)


def slot(confirmed: int = 100, *, lost: bool = False) -> Slot:
    return Slot("s", confirmed, 0, None, lost, active=False)


@pytest.mark.parametrize(
    ("conditions", "method", "told"),
    [
        (Conditions(2**20, 2**26, logical=True, replicates=True), Method.COPY, "1 MB are compared whole"),
        (Conditions(2**30, 2**26, logical=True, replicates=True), Method.LOG, "1,024 MB: changes are taken"),
        (Conditions(2**30, 2**26, logical=False, replicates=True), Method.COPY, "wal_level is not logical"),
        (Conditions(2**30, 2**26, logical=True, replicates=False), Method.COPY, "may not replicate"),
    ],
)
def test_the_method_is_chosen_by_size_and_rights(conditions: Conditions, method: Method, told: str) -> None:
    chosen, why = choose(conditions)
    assert chosen is method
    assert told in why


def test_the_log_tells_all_when_it_begins_where_the_file_is() -> None:
    assert why_whole(PLACE, slot(), "server", 100) == ""
    assert why_whole(PLACE, slot(50), "server", 200) == ""  # a crash of the server has forgotten the rest


@pytest.mark.parametrize(
    ("place", "found", "told"),
    [
        (None, slot(), "new"),
        (PLACE, None, "gone"),
        (PLACE, slot(lost=True), "max_slot_wal_keep_size"),
        (PLACE, slot(101), "somebody else"),
    ],
)
def test_otherwise_the_whole_is_compared(place: Place | None, found: Slot | None, told: str) -> None:
    assert told in why_whole(place, found, "server", 200)
    assert "restored" in why_whole(PLACE, found, "other", 200)
    assert "restored" in why_whole(PLACE, found, "server", 99)


def test_a_table_is_followed_as_long_as_it_is_what_it_was() -> None:
    followed = {name: Followed("f", NOW) for name in ("same", "other", "gone")}
    place = Place("server", 100, NOW, NOW, followed)
    found = by_log(place, {"same", "other", "new"}, {"same": "f", "other": "g", "new": "f"})
    assert found == {"same"}


def test_the_table_that_was_not_compared_for_longest_is_compared_next() -> None:
    followed = {
        "a": Followed("f", NOW),
        "b": Followed("f", NOW - VERIFY),
        "c": Followed("f", NOW - 2 * VERIFY),
    }
    place = Place("server", 100, NOW, NOW, followed)
    assert due(place, followed, NOW) == "c"
    assert due(place, {"a", "b"}, NOW) == "b"
    assert due(place, {"a"}, NOW) is None
    assert due(place, (), NOW) is None


def test_the_way_back_is_ready_when_nothing_would_be_lost() -> None:
    assert not list(reasons(PLACE, NOW, (), ""))
    assert "not complete" in " ".join(reasons(None, NOW, (), ""))
    assert "behind" in " ".join(reasons(PLACE, NOW + LATE + timedelta(seconds=1), (), ""))
    assert "down" in " ".join(reasons(PLACE, NOW, (), "down"))
    assert list(reasons(PLACE, NOW, ("table t is not in PostgreSQL",), "")) == [
        "table t is not in PostgreSQL"
    ]
