"""`opskit init`: writes what it finds, once, and never over what an operator wrote."""

import json
from pathlib import Path

import pytest

from opskit.cli.main import run
from opskit.config import load
from opskit.config.draft import draft, first_user
from opskit.errors import ExitCode


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    file = tmp_path / "app/.env"
    file.parent.mkdir()
    file.write_text("SQLITE_DATABASE_PATH=data/main.db\nPOSTGRES_DB=shop\n")
    return file


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "etc/opskit.yaml"


def init(target: Path, env_file: Path, *options: str) -> int:
    return run(["init", "--config", str(target), "--app-env", str(env_file), *options])


def test_it_writes_a_valid_configuration(target: Path, env_file: Path) -> None:
    assert init(target, env_file) == ExitCode.DONE
    configuration = load(target, {}).configuration
    assert configuration.application.env_file == env_file
    assert configuration.databases["main"].sqlite == env_file.parent / "data/main.db"
    assert configuration.databases["main"].postgresql == "shop"


def test_a_second_time_nothing_changes(
    target: Path, env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init(target, env_file)
    capsys.readouterr()
    assert init(target, env_file, "-o", "json") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["changed"] is False


def test_a_plan_writes_nothing_and_shows_the_file(
    target: Path, env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(target, env_file, "--plan") == ExitCode.DIFFERENCES
    assert not target.exists()
    shown = capsys.readouterr().out
    init(target, env_file)
    assert target.read_text() == shown


def test_what_an_operator_wrote_is_never_overwritten(target: Path, env_file: Path) -> None:
    init(target, env_file)
    edited = target.read_text() + "# mine\n"
    target.write_text(edited)
    assert init(target, env_file) == ExitCode.REFUSED
    assert target.read_text() == edited


def test_the_file_that_an_installation_brought_is_written_anew(target: Path, env_file: Path) -> None:
    target.parent.mkdir()
    target.write_text(draft(first_user()))
    assert init(target, env_file) == ExitCode.DONE
    assert load(target, {}).configuration.databases["main"].postgresql == "shop"


def test_an_env_file_that_is_not_there_is_told(target: Path, tmp_path: Path) -> None:
    assert init(target, tmp_path / "missing") == ExitCode.USAGE
    assert not target.exists()
