"""Asks a running server about itself. Never changes it."""

from typing import cast

from opskit.provision.door import Door
from opskit.provision.server import FileSetting, RunningSetting, ServerFacts
from opskit.provision.sql import query
from opskit.provision.sql_facts import MAINTENANCE

Row = tuple[int, bool, str, str, list[str], int]


def read_server(door: Door) -> ServerFacts:
    """What the plan needs to know.

    Raises:
        ConnectionFailed: the server cannot be reached.
    """
    with door.connect(MAINTENANCE) as connection:
        (row,) = connection.execute(query("server_state")).fetchall()
        version, checksums, encoding, collation, databases, sessions = cast("Row", row)
        settings = {
            str(name).lower(): RunningSetting(
                str(value), cast("str | None", unit), bool(at_start), bool(pending)
            )
            for name, value, unit, at_start, pending in connection.execute(query("settings"))
        }
        files = tuple(
            FileSetting(str(name).lower(), str(value), str(file), cast("int", line))
            for name, value, file, line in connection.execute(query("settings_files"))
        )
    return ServerFacts(version, checksums, encoding, collation, tuple(databases), sessions, settings, files)
