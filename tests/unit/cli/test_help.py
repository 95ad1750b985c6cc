"""Help is answered without importing what only the commands need."""

import subprocess
import sys

import pytest

from opskit.cli.main import COMMANDS

HEAVY = ("psycopg", "psycopg_pool", "apsw", "sqlglot", "rich", "yaml", "prometheus_client", "asyncio")

HELP = """
import sys
from opskit.cli.main import run
code = run(["--help"])
print([name for name in {heavy!r} if name in sys.modules])
sys.exit(code)
"""


def test_the_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP.format(heavy=HEAVY)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for name, (_, text) in COMMANDS.items():
        assert name in done.stdout
        assert text.split(",")[0] in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_that_names_its_options(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opskit", name, "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"Usage: opskit {name}")
    assert done.stderr == ""


def test_the_version_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opskit", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("opskit, version ")
