"""What a standby tells others, and what it keeps for itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from opskit.standby.place import Followed, Place
from opskit.standby.place_table import read_place, write_place
from opskit.standby.state import Phase, State, is_stale, read_state, utc, write_state

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def test_a_state_is_read_as_it_was_told(tmp_path: Path) -> None:
    state = State("main", Phase.FOLLOWING, utc(NOW), "log", "why", "slot", True, ("a", "b"), lag_seconds=0.5)
    write_state(tmp_path / "main.json", state)
    assert read_state(tmp_path / "main.json", "main") == state


def test_without_a_state_the_way_back_is_closed(tmp_path: Path) -> None:
    assert read_state(tmp_path / "main.json", "main").phase is Phase.CLOSED


def test_a_state_that_nobody_renews_is_stale() -> None:
    state = State("main", Phase.FOLLOWING, utc(NOW), ready=True)
    assert not is_stale(state, NOW)
    assert is_stale(state, NOW + timedelta(minutes=2))
    assert not is_stale(State("main", Phase.CLOSED), NOW)


def test_a_place_is_read_as_it_was_kept() -> None:
    connection = apsw.Connection(":memory:")
    assert read_place(connection) is None
    place = Place("1/1", 2**62, NOW, NOW, {"t": Followed("f", NOW)})
    write_place(connection, place)
    write_place(connection, place)
    assert read_place(connection) == place
