"""Which backups are kept is decided by rules, and no rule can drop what is needed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from opskit.backup.retention import Candidate, decide
from opskit.config import Keep

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
NONE = Keep(last=0, hourly=0, daily=0, weekly=0, monthly=0, floor=1)


def backups(*ages: timedelta) -> list[Candidate]:
    return [Candidate(f"main-{number}", NOW - age) for number, age in enumerate(ages)]


def kept(candidates: list[Candidate], keep: Keep) -> dict[str, tuple[str, ...]]:
    return {one.id: one.reasons for one in decide(candidates, keep) if one.keep}


def test_the_last_ones_are_kept() -> None:
    ages = [timedelta(hours=hours) for hours in range(5)]
    assert list(kept(backups(*ages), Keep(last=3, daily=0, weekly=0, monthly=0))) == [
        "main-0",
        "main-1",
        "main-2",
    ]


def test_of_each_day_week_and_month_the_newest_is_kept() -> None:
    ages = [timedelta(hours=8 * count) for count in range(300)]
    rules = Keep(last=0, hourly=0, daily=3, weekly=2, monthly=2, floor=1)
    reasons = kept(backups(*ages), rules)
    assert reasons == {
        "main-0": (
            "the newest",
            "never fewer than 1",
            "daily 1 of 3 (2026-11-23)",
            "weekly 1 of 2 (2026-W48)",
            "monthly 1 of 2 (2026-11)",
        ),
        "main-2": ("daily 2 of 3 (2026-11-22)", "weekly 2 of 2 (2026-W47)"),
        "main-5": ("daily 3 of 3 (2026-11-21)",),
        "main-68": ("monthly 2 of 2 (2026-10)",),
    }


def test_days_without_a_backup_do_not_count() -> None:
    found = backups(timedelta(days=0), timedelta(days=40), timedelta(days=90))
    assert len(kept(found, Keep(last=0, daily=3, weekly=0, monthly=0, floor=1))) == 3


def test_the_last_of_the_side_that_was_left_stays_while_the_way_back_is_open() -> None:
    ages = [timedelta(days=days) for days in (0, 30, 40, 50)]
    new, broken, before, older = backups(*ages)
    left = [
        replace(broken, way_back=True, sound=False),
        *(replace(one, way_back=True) for one in (before, older)),
    ]
    reasons = kept([new, *left], NONE)
    assert reasons.keys() == {new.id, before.id}
    assert reasons[before.id] == ("the last before the cutover, and the way back is open",)
    assert kept([new, *(replace(one, way_back=False) for one in left)], NONE).keys() == {new.id}


def test_a_pinned_one_and_one_in_use_are_kept() -> None:
    old = NOW - timedelta(days=900)
    found = [
        Candidate("new", NOW),
        Candidate("pinned", old, pinned=True),
        Candidate("read", old, in_use=True),
    ]
    assert kept(found, NONE) == {
        "new": ("the newest", "never fewer than 1"),
        "read": ("in use",),
        "pinned": ("pinned",),
    }


def test_the_newest_that_came_back_in_a_drill_is_kept() -> None:
    found = [
        Candidate("new", NOW),
        Candidate("drilled", NOW - timedelta(days=1), drilled=NOW),
        Candidate("drilled before", NOW - timedelta(days=2), drilled=NOW),
    ]
    assert set(kept(found, NONE)) == {"new", "drilled"}


def test_damaged_ones_fill_no_rule_and_stay_while_there_is_no_newer_sound_one() -> None:
    found = [
        Candidate("damaged now", NOW, sound=False),
        Candidate("sound", NOW - timedelta(days=1)),
        Candidate("damaged before", NOW - timedelta(days=2), sound=False),
        Candidate("older", NOW - timedelta(days=3)),
    ]
    decided = {one.id: (one.keep, one.reasons) for one in decide(found, Keep(last=2))}
    assert decided["damaged now"] == (True, ("damaged, but there is no newer sound one",))
    assert decided["damaged before"] == (False, ("damaged, and there is a newer sound one",))
    assert decided["older"][0]


@given(
    st.lists(
        st.builds(
            Candidate,
            id=st.uuids().map(str),
            at=st.integers(0, 10_000).map(lambda hours: NOW - timedelta(hours=hours)),
            sound=st.booleans(),
            drilled=st.none() | st.just(NOW),
            pinned=st.booleans(),
            in_use=st.booleans(),
        ),
        max_size=30,
    ),
    st.builds(
        Keep,
        **{name: st.integers(0, 5) for name in ("last", "hourly", "daily", "weekly", "monthly")},
        floor=st.integers(1, 4),
    ),
)
def test_whatever_the_rules_what_is_needed_stays(found: list[Candidate], keep: Keep) -> None:
    stays = {one.id for one in decide(found, keep) if one.keep}
    sound = sorted((one for one in found if one.sound), key=lambda one: (one.at, one.id), reverse=True)
    drilled = [one for one in sound if one.drilled]
    assert {one.id for one in sound[: keep.floor]} <= stays
    assert {one.id for one in drilled[:1]} <= stays
    assert {one.id for one in found if one.pinned or one.in_use} <= stays
    assert all(one.reasons for one in decide(found, keep))


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=40))
def test_what_is_kept_would_be_kept_again(hours: list[int]) -> None:
    """Pruning twice drops nothing more."""
    found = backups(*(timedelta(hours=one) for one in hours))
    first = kept(found, Keep())
    assert set(kept([one for one in found if one.id in first], Keep())) == set(first)
