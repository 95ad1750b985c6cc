"""opskit, held behind the Nth entry of its journals: `python held.py N TOLD GO ARGUMENTS…`.

There it writes a byte to the file TOLD, and goes on when it has read one from GO.
"""

import sys
from pathlib import Path
from typing import Any

from opskit.cli.main import run
from opskit.runs.journal import Journal

left, told, go = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
note = Journal.note


def noted(self: Journal, event: str, **details: Any) -> None:
    global left  # noqa: PLW0603  a script
    note(self, event, **details)
    left -= event != "started"
    if left == 0:
        told.write_bytes(b".")
        with go.open("rb") as opened:
            opened.read(1)


Journal.note = noted  # type: ignore[method-assign]
sys.exit(run(sys.argv[4:]))
