"""What a standby tells others."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opskit.runs.standby_state import (
    Phase,
    State,
    StateDamaged,
    is_stale,
    load_state,
    read_state,
    utc,
    write_state,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
FOLLOWING = State("main", Phase.FOLLOWING, utc(NOW), "log", "why", "slot", True, ("a", "b"), lag_seconds=0.5)


def test_a_state_is_read_as_it_was_told(tmp_path: Path) -> None:
    write_state(tmp_path / "main.json", FOLLOWING)
    assert read_state(tmp_path / "main.json", "main") == FOLLOWING


def test_the_group_of_its_directory_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_state(tmp_path / "main.json", FOLLOWING)
    finally:
        os.umask(before)
    assert (tmp_path / "main.json").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "content",
    [
        b"",
        json.dumps(FOLLOWING.to_json()).encode()[:-9],
        b"[]",
        b"{}",
        b'{"database": "main", "phase": "dancing"}',
        b'{"database": "main", "phase": "closed", "lag_seconds": "long"}',
        b'{"database": "main", "phase": "closed", "changes": null}',
        b'{"database": "main", "phase": "closed", "at": "2026-01-02T03:04:05"}',
    ],
)
def test_half_a_state_is_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StateDamaged):
        load_state(content)
    (tmp_path / "main.json").write_bytes(content)
    assert read_state(tmp_path / "main.json", "main") == State("main", Phase.CLOSED)


def test_without_a_state_the_way_back_is_closed(tmp_path: Path) -> None:
    assert read_state(tmp_path / "main.json", "main").phase is Phase.CLOSED


def test_a_state_that_nobody_renews_is_stale() -> None:
    state = State("main", Phase.FOLLOWING, utc(NOW), ready=True)
    assert not is_stale(state, NOW)
    assert is_stale(state, NOW + timedelta(minutes=2))
    assert not is_stale(State("main", Phase.CLOSED), NOW)
