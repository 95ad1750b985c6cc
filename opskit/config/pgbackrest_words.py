"""How pgBackRest is called: what the server's settings, provision and the backups all say alike. Pure."""

from pathlib import Path

PROGRAM = "pgbackrest"
CONFIGURATION = Path("/etc/pgbackrest/opskit.conf")
"""Beside /etc/pgbackrest.conf, which belongs to the package and to whoever else uses pgBackRest here."""


def words(stanza: str, command: str, *arguments: str, file: Path = CONFIGURATION) -> list[str]:
    """A command of pgBackRest on one cluster.

    >>> " ".join(words("main", "archive-push", "%p"))
    'pgbackrest --config=/etc/pgbackrest/opskit.conf --stanza=main archive-push %p'
    """
    return [PROGRAM, f"--config={file}", f"--stanza={stanza}", command, *arguments]
