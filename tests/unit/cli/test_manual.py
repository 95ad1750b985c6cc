"""The manual says of every command and option what `--help` says, in roff without a warning."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from opskit import __version__
from opskit.cli.companions import companions
from opskit.cli.main import COMMANDS, opskit
from opskit.cli.manual import EXIT_STATUS, manual
from opskit.errors import ExitCode

PAGES = manual(opskit, __version__)
DOCS = Path(__file__).parents[3] / "docs"


def plain(roff: str) -> str:
    """A page as one line of text without roff's escapes and requests."""
    lines = (re.sub(r"^\.\w+ ?", "", line) for line in roff.splitlines())
    unescaped = re.sub(r"\\f[BR]|\\&", "", " ".join(lines)).replace("\\-", "-").replace("\\(dq", '"')
    return re.sub(r"\s+", " ", unescaped.replace("\\e", "\\"))


def walk(context: click.Context) -> list[click.Context]:
    """A command and all below it."""
    group = context.command
    names = group.list_commands(context) if isinstance(group, click.Group) else []
    children = [group.get_command(context, name) for name in names] if isinstance(group, click.Group) else []
    below = [
        click.Context(child, parent=context, info_name=name)
        for name, child in zip(names, children, strict=True)
        if child is not None
    ]
    return [context, *(one for child in below for one in walk(child))]


def test_there_is_a_page_for_the_program_and_one_for_each_command() -> None:
    assert set(PAGES) == {"opskit.1", *(f"opskit-{name}.1" for name in COMMANDS)}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_holds_every_sentence_and_option_of_the_help(name: str) -> None:
    page = plain(PAGES[f"opskit-{name}.1"])
    command = opskit.get_command(click.Context(opskit), name)
    assert command is not None
    top = click.Context(opskit, info_name="opskit", **opskit.context_settings)
    for context in walk(click.Context(command, parent=top, info_name=name)):
        assert context.command_path in page
        for parameter in context.command.get_params(context):
            for text in parameter.get_help_record(context) or ():
                assert " ".join(text.split()) in page
        for paragraph in (context.command.help or "").replace("\b", "").split("\n\n"):
            assert " ".join(paragraph.split()) in page


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_has_nothing_to_say_about_the_pages(tmp_path: Path) -> None:
    for name, page in PAGES.items():
        file = tmp_path / name
        file.write_text(page)
        done = subprocess.run(
            ["man", "--warnings", "--encoding=UTF-8", "--local-file", "-Tutf8", "-Z", file],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert done.stderr == "", name


def test_the_documentation_gives_the_same_exit_codes() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (DOCS / "cli.md").read_text(), re.MULTILINE)
    assert [(int(code), text) for code, text in rows] == [(int(one), EXIT_STATUS[one]) for one in ExitCode]


def test_each_shell_gets_its_completion_under_the_name_that_it_looks_for() -> None:
    files = dict(companions())
    for name in ("bash/opskit", "zsh/_opskit", "fish/opskit.fish"):
        assert "_OPSKIT_COMPLETE" in files[name]


def test_commands_are_completed_without_importing_them() -> None:
    program = "import sys; from opskit.cli.main import run\ntry: run([])\nfinally: print(*sys.modules)"
    asked = {"COMP_WORDS": "opskit m", "COMP_CWORD": "1", "_OPSKIT_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    answer, modules = done.stdout.splitlines()
    assert answer == "plain,migrate"
    assert "opskit.cli.migrate" not in modules.split()
