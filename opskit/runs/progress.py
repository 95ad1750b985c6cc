"""What a long step tells about itself while it runs; who shows it is the command line's business."""

from typing import Protocol


class Progress(Protocol):
    """Receives progress; every method returns at once."""

    def stage(self, name: str) -> None:
        """A new stage begins (profile, schema, copy, finish, verify)."""
        ...

    def begin(self, task: str, total: int) -> None:
        """A task of `total` rows begins."""
        ...

    def advance(self, task: str, rows: int) -> None:
        """So many more rows of the task are done."""
        ...

    def end(self, task: str) -> None:
        """The task is done."""
        ...


class Silence:
    """Shows nothing."""

    def stage(self, name: str) -> None:
        """Nothing."""

    def begin(self, task: str, total: int) -> None:
        """Nothing."""

    def advance(self, task: str, rows: int) -> None:
        """Nothing."""

    def end(self, task: str) -> None:
        """Nothing."""
