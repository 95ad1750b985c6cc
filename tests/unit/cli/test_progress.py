"""Progress is lines or JSON lines on stderr, or nothing; never on stdout."""

import json

import pytest

from opskit.cli import progress
from opskit.cli.progress import shown


def one_run(how: str) -> None:
    with shown(how) as display:
        display.stage("copy")
        display.begin("main: users", 10)
        display.advance("main: users", 4)
        display.advance("main: users", 6)
        display.end("main: users")


def test_nothing_is_shown_when_nothing_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    one_run("none")
    assert capsys.readouterr() == ("", "")


def test_stages_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    one_run("plain")
    assert capsys.readouterr() == ("", "copy\n")


def test_a_task_that_lasts_tells_rows_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    one_run("auto")
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].startswith("main: users: 4 of 10 rows, ")
    assert "rows/s" in lines[1]
    assert lines[1].endswith("s left")


def test_json_lines_for_programs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    one_run("json")
    stage, first, *_ = map(json.loads, capsys.readouterr().err.splitlines())
    assert stage == {"task": "copy"}
    assert (first["task"], first["rows"], first["total"]) == ("main: users", 4, 10)
    assert first.keys() == {"task", "rows", "total", "rows_per_second", "seconds_left"}
