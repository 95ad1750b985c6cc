"""Where backups are made from and where they are kept: what every command needs to know."""

from dataclasses import dataclass
from pathlib import Path

from opskit.backup.shelf import Shelf
from opskit.config import Configuration


@dataclass(frozen=True, slots=True)
class Place:
    """The configuration, the directory of opskit's state and the directory of the backups."""

    configuration: Configuration
    state_dir: Path

    @property
    def shelf(self) -> Shelf:
        """The directory of the backups."""
        return Shelf(self.configuration.backup.directory or self.state_dir / "backups")

    @property
    def runs(self) -> Path:
        """The directory of the journals."""
        return self.state_dir / "runs"
