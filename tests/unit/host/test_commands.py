"""Programs are run through one door, and what went wrong is told without giving secrets away."""

import sys
from pathlib import Path

import pytest

from opskit.host.commands import Child, CommandFailed, run


def test_what_a_program_writes_is_returned() -> None:
    assert run([sys.executable, "-c", "print(input().upper())"], stdin="hello") == "HELLO\n"


def test_a_failure_names_the_program_its_code_and_its_last_words_but_no_arguments() -> None:
    with pytest.raises(CommandFailed) as failed:
        run(["sh", "-c", "echo no such thing >&2; exit 7 # s3cret"])
    assert str(failed.value) == "sh returned 7: no such thing"


def test_a_program_ended_by_a_signal_is_told_by_its_name() -> None:
    with pytest.raises(CommandFailed, match="sh was ended by SIGKILL"):
        run(["sh", "-c", "kill -9 $$"])


def test_a_program_that_is_not_there_is_a_failure_of_ours() -> None:
    with pytest.raises(CommandFailed, match="cannot be started: No such file or directory"):
        run(["/nowhere/program"])


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(CommandFailed, match="sleep did not end in"):
        run(["sleep", "600"], timeout=0.1)


def test_a_child_runs_beside_us_and_writes_to_its_log(tmp_path: Path) -> None:
    child = Child(["sh", "-c", "echo here; exec sleep 600"], log=tmp_path / "log")
    assert child.code() is None
    assert child.wait(0.2) is None
    child.kill()
    assert child.code() == -9
    assert (tmp_path / "log").read_text() == "here\n"
