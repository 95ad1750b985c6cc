"""opskit in a pipeline."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import Opskit


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_leaves_changes_neither_the_exit_code_nor_stderr(
    opskit: Opskit, tmp_path: Path, output: str
) -> None:
    databases = "".join(
        f"  d{number}: {{sqlite: a.db, postgresql: {'p' * 60}{number}}}\n" for number in range(2000)
    )
    config = tmp_path / "opskit.yaml"
    config.write_text(f"databases:\n{databases}")
    command = [sys.executable, "-m", "opskit", "config", "show", "--config", str(config), "-o", output]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=opskit.environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        words = process.stderr.read()
    assert (process.returncode, words) == (0, b"")
