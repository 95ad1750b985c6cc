"""opskit as processes of its own, with a state directory for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Opskit


@pytest.fixture
def opskit(tmp_path: Path) -> Iterator[Opskit]:
    """Runs command lines; what a failed test has left running is killed."""
    opskit = Opskit(tmp_path / "state")
    yield opskit
    opskit.kill()
