"""opskit, held behind the Nth entry of its journals: `python -m tests.crash.held N TOLD GO ARGUMENTS…`.

There it writes a byte to descriptor TOLD, and goes on when it has read one from GO, unless it is killed.
"""

import os
import sys
from typing import Any

from opskit.cli.main import run
from opskit.runs.journal import Journal

left, told, go = map(int, sys.argv[1:4])
note = Journal.note


def noted(self: Journal, event: str, **details: Any) -> None:
    global left  # noqa: PLW0603  a script
    note(self, event, **details)
    left -= event != "started"
    if left == 0:
        os.write(told, b".")
        os.read(go, 1)


Journal.note = noted  # type: ignore[method-assign]
sys.exit(run(sys.argv[4:]))
