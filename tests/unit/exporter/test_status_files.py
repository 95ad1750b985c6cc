"""What the exporter tells of what other services tell."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from opskit.config import Engine
from opskit.exporter.reading import Row
from opskit.exporter.status_files import backup_rows, record_rows, rehearsal_rows, standby_rows
from opskit.runs.backup_status import Attempt, BackupStatus, Retained
from opskit.runs.engine_record import Record
from opskit.runs.rehearsal import Rehearsal
from opskit.runs.standby_state import Phase, State, utc

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FOLLOWING = State(
    "main",
    Phase.FOLLOWING,
    written=utc(NOW),
    ready=True,
    at=utc(NOW - timedelta(seconds=4)),
    lag_seconds=0.1,
    changes=7,
    retained_bytes=100,
    deadline=utc(NOW + timedelta(days=1)),
)


def told(state: State, now: datetime = NOW) -> Row:
    """All that is told, phases apart."""
    return {
        name: value for row in standby_rows(state, now) if "phase" not in row for name, value in row.items()
    }


def phases(state: State) -> set[object]:
    return {row["phase"] for row in standby_rows(state, NOW) if row.get("in_phase")}


def test_a_failed_attempt_does_not_hide_the_newest_backup() -> None:
    earlier = NOW - timedelta(days=1)
    status = BackupStatus(
        create=Attempt(NOW, ok=False, seconds=1),
        last_good=Attempt(earlier, ok=True, seconds=2.5, size=4096),
        checks={"drill": Attempt(earlier, ok=True, seconds=9), "files": Attempt(NOW, ok=False)},
        retained=Retained(3, 9000, 1, {"drill": earlier}),
    )
    assert list(backup_rows(status)) == [
        {"attempted": NOW.timestamp(), "succeeded": False},
        {"made": earlier.timestamp(), "bytes": 4096, "seconds": 2.5},
        {"level": "drill", "checked": earlier.timestamp(), "sound": True, "check_seconds": 9},
        {"level": "files", "checked": NOW.timestamp(), "sound": False, "check_seconds": None},
        {"retained": 3, "total": 9000, "damaged": 1},
        {"level": "drill", "verified": earlier.timestamp()},
    ]


def test_of_what_never_was_nothing_is_told() -> None:
    assert list(backup_rows(BackupStatus())) == []
    bare = told(State("main", Phase.OPENING, utc(NOW)))
    assert {name for name, value in bare.items() if value is not None} == {"told", "ready", "changes"}


def test_the_lag_is_the_age_of_what_the_file_shows() -> None:
    assert told(FOLLOWING)["lag"] == 4
    assert told(FOLLOWING, NOW + timedelta(seconds=10))["lag"] == 14
    assert told(FOLLOWING, NOW - timedelta(seconds=10))["lag"] == 0


def test_a_standby_that_has_ended_unasked_is_not_ready_whatever_it_told_last() -> None:
    assert told(FOLLOWING)["ready"] is True
    assert told(FOLLOWING, NOW + timedelta(minutes=2))["ready"] is False
    assert told(replace(FOLLOWING, ready=False))["ready"] is False


def test_while_there_is_no_way_back_nothing_is_told_about_it() -> None:
    for phase in (Phase.CLOSED, Phase.ENDED):
        state = replace(FOLLOWING, phase=phase)
        assert told(state) == {"told": NOW.timestamp()}
        assert phases(state) == {phase.value}


def test_a_rehearsal_that_failed_has_a_moment_and_no_duration() -> None:
    assert list(rehearsal_rows(Rehearsal(NOW, 0.4))) == [
        {"rehearsed": NOW.timestamp(), "works": True, "pause": 0.4}
    ]
    assert list(rehearsal_rows(Rehearsal(NOW, failure="the file is not sound"))) == [
        {"rehearsed": NOW.timestamp(), "works": False, "pause": None}
    ]


def test_the_last_switch_says_which_engine_it_made_authoritative_and_when() -> None:
    rows = list(record_rows(Record(Engine.POSTGRESQL, utc(NOW), "run")))
    assert {row["engine"]: row["recorded"] for row in rows[:-1]} == {"sqlite": False, "postgresql": True}
    assert rows[-1] == {"since": NOW.timestamp()}
