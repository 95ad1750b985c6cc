"""Is there room for what is about to be written?"""

import shutil
from pathlib import Path

from opskit.errors import Refused

ELSEWHERE = "make room there, or name another directory by TMPDIR"
"""What helps where the temporary directory is too small."""


def check_room(
    directory: Path, needed: int, what: str, *, hint: str = "make room there, then run again"
) -> None:
    """Asks before a disk is filled, which would be trouble for others too.

    Args:
        needed: bytes.
        what: whom they are for.

    Raises:
        Refused: fewer are free.
    """
    free = shutil.disk_usage(directory).free
    if needed > free:
        message = f"{what} takes about {needed:,} bytes in {directory}, and {free:,} are free"
        raise Refused.of("no_room", message, hint=hint, where=str(directory))
