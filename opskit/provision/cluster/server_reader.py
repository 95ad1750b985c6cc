"""Asks a running server about itself. Never changes it."""

from typing import cast

from opskit.provision.access.reader import MAINTENANCE
from opskit.provision.cluster.server import FileSetting, RunningSetting, ServerFacts
from opskit.provision.door import Door
from opskit.provision.sql import query

Row = tuple[int, bool, bool, str, str, list[str], int]
Line = tuple[str | None, str, str, int, str | None]


def read_server(door: Door) -> ServerFacts:
    """What the plan needs to know.

    Raises:
        ConnectionFailed: the server cannot be reached.
    """
    with door.connect(MAINTENANCE) as connection:
        (row,) = connection.execute(query("server_state")).fetchall()
        version, in_recovery, checksums, encoding, collation, databases, sessions = cast("Row", row)
        settings = {
            str(name).lower(): RunningSetting(
                str(value), cast("str | None", unit), bool(at_start), bool(pending)
            )
            for name, value, unit, at_start, pending in connection.execute(query("settings"))
        }
        lines = cast("list[Line]", connection.execute(query("settings_files")).fetchall())
    files = tuple(
        FileSetting(name.lower(), value, file, line)
        for name, value, file, line, _ in lines
        if name is not None
    )
    unread = tuple(f"{file}: {error}" for name, _, file, _, error in lines if name is None)
    return ServerFacts(
        version,
        in_recovery,
        checksums,
        encoding,
        collation,
        tuple(databases),
        sessions,
        settings,
        files,
        unread,
    )
