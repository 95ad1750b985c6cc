"""Root at work in the directories of opskit's services."""

import os
from pathlib import Path


def hand_over(made: Path | int, directory: Path) -> None:
    """Gives what root has made in a directory to the directory's owner, who may have to write it later.

    Others keep what they make. A link is not followed: the owner could have put it there.

    Args:
        made: a path, or an open file's descriptor.

    Raises:
        OSError: it cannot be given away.
    """
    if os.geteuid() != 0:
        return
    about = directory.stat()
    if isinstance(made, int):
        os.fchown(made, about.st_uid, about.st_gid)
    else:
        os.chown(made, about.st_uid, about.st_gid, follow_symlinks=False)
