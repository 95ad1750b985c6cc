"""The journal says which run was killed and where, whatever the kill left of its last line."""

import json
import os
from pathlib import Path

import pytest

from opskit.runs.journal import Journal, abandon, unfinished


def killed(
    directory: Path, *events: tuple[str, str], command: str = "migrate", subject: str = "main"
) -> Path:
    """The journal of a run that wrote some events and was killed."""
    with Journal(directory, command, subject) as journal:
        for event, step in events:
            journal.write(event, step=step)
    return journal.file


def test_every_line_is_a_json_object_with_its_time(tmp_path: Path) -> None:
    file = killed(tmp_path, ("intent", "copy “böse” 🐘"))
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert entries[0] == entries[0] | {"event": "started", "command": "migrate", "pid": os.getpid()}
    assert entries[1]["step"] == "copy “böse” 🐘"
    assert all(entry["at"].endswith("+00:00") for entry in entries)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    assert killed(tmp_path / "runs").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "runs").stat().st_mode & 0o777 == 0o700


def test_a_killed_run_is_found_with_the_step_it_was_in(tmp_path: Path) -> None:
    file = killed(tmp_path, ("intent", "back up"), ("done", "back up"), ("intent", "copy"))
    (run,) = unfinished(tmp_path, "migrate", "main")
    assert (run.run, run.begun[-1], run.file) == (file.stem, "copy", file)


def test_a_killed_run_is_found_with_the_files_it_leaves(tmp_path: Path) -> None:
    with Journal(tmp_path, "migrate", "main", [Path("/backups/main.db")]):
        pass
    (run,) = unfinished(tmp_path, "migrate", "main")
    assert run.leaves == (Path("/backups/main.db"),)


def test_a_run_killed_before_its_first_step_is_found(tmp_path: Path) -> None:
    killed(tmp_path)
    (run,) = unfinished(tmp_path, "migrate", "main")
    assert run.begun == ()


@pytest.mark.parametrize("event", ["finished", "reverted", "abandoned"])
def test_a_run_that_came_to_an_end_is_not_found(tmp_path: Path, event: str) -> None:
    killed(tmp_path, ("intent", "copy"), (event, ""))
    assert list(unfinished(tmp_path, "migrate", "main")) == []


def test_other_commands_and_subjects_are_not_found(tmp_path: Path) -> None:
    killed(tmp_path, command="cutover")
    killed(tmp_path, subject="walmart")
    assert list(unfinished(tmp_path, "migrate", "main")) == []


@pytest.mark.parametrize("kept", range(1, 40))
def test_a_torn_last_line_is_passed_over(tmp_path: Path, kept: int) -> None:
    file = killed(tmp_path, ("intent", "copy"))
    whole = file.read_bytes()
    file.write_bytes(whole + whole.splitlines()[-1][:kept])
    (run,) = unfinished(tmp_path, "migrate", "main")
    assert run.begun[-1] == "copy"


def test_a_run_with_a_torn_last_line_can_be_abandoned(tmp_path: Path) -> None:
    file = killed(tmp_path, ("intent", "copy"))
    file.write_bytes(file.read_bytes() + b'{"at": "2025-')
    (run,) = unfinished(tmp_path, "migrate", "main")
    abandon(run)
    assert list(unfinished(tmp_path, "migrate", "main")) == []


def test_a_journal_of_nothing_but_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"at"\xff')
    (tmp_path / "b.jsonl").touch()
    assert list(unfinished(tmp_path, "migrate", "main")) == []
    assert list(unfinished(tmp_path / "missing", "migrate", "main")) == []
