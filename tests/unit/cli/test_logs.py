"""How messages reach a terminal, a file and journald."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.cli.logs import configure_logging
from opskit.cli.output import render_error
from opskit.errors import Refused


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """As it was, after the test."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    for handler in root.handlers:
        if handler not in handlers:
            root.removeHandler(handler)
    root.setLevel(level)
    root.handlers[:] = handlers


def written(
    file: Path, monkeypatch: pytest.MonkeyPatch, log_format: str, *, journal: bool, level: int = logging.INFO
) -> list[str]:
    """Two messages in a file that is journald's, or whose process has only inherited the variable."""
    with file.open("w", encoding="utf-8") as stream:
        about = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{about.st_dev}:{about.st_ino}" if journal else "8:1")
        monkeypatch.setattr("sys.stderr", stream)
        configure_logging(level, log_format)
        logging.getLogger("opskit").info("begun")
        logging.getLogger("opskit").warning("main: down\nfor good")
    return file.read_text(encoding="utf-8").splitlines()


def test_journald_is_told_the_priority_of_every_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(tmp_path / "log", monkeypatch, "text", journal=True)
    assert lines == ["<6>begun", "<4>main: down", "<4>for good"]


def test_journald_is_told_the_priority_of_json_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(tmp_path / "log", monkeypatch, "json", journal=True)
    assert [line[:4] for line in lines] == ["<6>{", "<4>{"]


def test_who_has_only_inherited_journalds_variable_sees_dates_and_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = written(tmp_path / "log", monkeypatch, "text", journal=False)
    assert lines[0].endswith("INFO begun")
    assert lines[1].endswith("WARNING main: down")


def test_quiet_leaves_errors_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(tmp_path / "log", monkeypatch, "text", journal=True, level=logging.ERROR) == []


def test_journald_is_told_that_an_error_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        about = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{about.st_dev}:{about.st_ino}")
        monkeypatch.setattr("sys.stderr", stream)
        render_error("backup", Refused.of("x", "it is\nfull", hint="free some"), as_json=False)
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert lines == ["<3>error: it is", "<3>full", "<3>  hint: free some", "<3>Nothing was done."]
