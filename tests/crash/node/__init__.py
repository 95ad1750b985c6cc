"""A writer that is what the application is in reality: Node with better-sqlite3 and pg."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def writer_command(spec: Path) -> list[str]:
    """The command line of a Node writer; where it is not ready, the test is skipped, and fails in CI."""
    if not (HERE / "node_modules" / ".opskit").exists():
        reason = "the Node writer is not ready: run tests/crash/node/setup"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return ["node", str(HERE / "writer.mjs"), str(spec)]
