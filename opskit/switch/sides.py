"""The two sides of each database, as they are configured."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opskit.config import Configuration
from opskit.standby.window import Window, windows
from opskit.switch.postgresql_fence import Shut


@dataclass(frozen=True, slots=True)
class Side:
    """One database.

    Attributes:
        file: the application's SQLite file, links followed.
        target: its PostgreSQL database, as writers are told.
        session_name: how its sessions are called in PostgreSQL; None when any name will do.
    """

    name: str
    file: Path
    target: str
    window: Window
    shut: Shut
    session_name: str | None

    @property
    def staged(self) -> Path:
        """Where the standby's file waits to take the application's place."""
        return self.file.with_name(f"{self.file.name}.opskit-next")

    def kept(self, moment: str) -> Path:
        """Where the application's file stays that was replaced at a moment."""
        return self.file.with_name(f"{self.file.name}.before-{moment}")


def sides(configuration: Configuration, state_dir: Path) -> Iterator[Side]:
    """All databases of a configuration.

    Raises:
        ConfigurationError: a secret cannot be read.
    """
    server = configuration.postgresql
    for window in windows(configuration, state_dir):
        database = configuration.databases[window.database]
        target = f"{database.postgresql} on {database.host or server.host}:{database.port or server.port}"
        yield Side(
            window.database,
            window.source.resolve(),
            target,
            window,
            Shut(server.user or "", window.schema),
            database.application_name,
        )
