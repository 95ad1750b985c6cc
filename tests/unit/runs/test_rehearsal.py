"""What the last rehearsal of a rollback tells others."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from opskit.runs.rehearsal import FILE, Rehearsal, RehearsalsDamaged, load_rehearsals, read_rehearsals, tell

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BOTH = {"main": Rehearsal(NOW, 0.4), "walmart": Rehearsal(NOW, failure="the file is not sound")}


def test_what_was_told_is_read(tmp_path: Path) -> None:
    tell(tmp_path, BOTH)
    assert read_rehearsals(tmp_path) == BOTH
    assert [one.ok for one in read_rehearsals(tmp_path).values()] == [True, False]


def test_the_group_may_read_it_and_others_may_not(tmp_path: Path) -> None:
    tell(tmp_path, BOTH)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o640


def test_what_is_true_no_more_is_told_no_more(tmp_path: Path) -> None:
    tell(tmp_path, BOTH)
    tell(tmp_path, {})
    assert not (tmp_path / FILE).exists()
    assert read_rehearsals(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"main": []}',
        b'{"main": {"at": "2026-01-02T03:04:05+00:00"}}',
        b'{"main": {"at": "2026-01-02T03:04:05", "seconds": 1, "failure": ""}}',
        b'{"main": {"at": "2026-01-02T03:04:05+00:00", "seconds": "long", "failure": ""}}',
    ],
)
def test_half_of_it_is_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RehearsalsDamaged):
        load_rehearsals(content)
    (tmp_path / FILE).write_bytes(content)
    assert read_rehearsals(tmp_path) == {}
