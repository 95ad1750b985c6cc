"""opskit, killed by SIGKILL behind the Nth entry of its run's journal: `python killed.py N ARGUMENTS…`."""

import os
import signal
import sys
from typing import Any

from opskit.cli.main import run
from opskit.runs.journal import Journal

left = int(sys.argv[1])
note = Journal.note


def noted(self: Journal, event: str, **details: Any) -> None:
    global left  # noqa: PLW0603  a script
    note(self, event, **details)
    left -= event != "started"
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


Journal.note = noted  # type: ignore[method-assign]
sys.exit(run(sys.argv[2:]))
