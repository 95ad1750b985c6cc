"""What a collector found, for as long as it is told again instead of being asked."""

import time
from collections.abc import Iterable

from opskit.exporter.reading import Outcome


class Lasting:
    """The last outcome of each collector that succeeded; who failed is asked again."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, Outcome]] = {}

    def of(self, name: str, every: float) -> Outcome | None:
        """What the collector found at most so many seconds ago, with its age."""
        at, outcome = self._found.get(name, (0.0, None))
        age = time.monotonic() - at
        return Outcome(name, outcome.seconds, outcome.rows, age=age) if outcome and age < every else None

    def keep(self, outcomes: Iterable[Outcome]) -> None:
        """Remembers what was found just now."""
        now = time.monotonic()
        self._found.update({one.name: (now, one) for one in outcomes if one.failure is None})

    def forget(self) -> None:
        """What follows may be of another server."""
        self._found.clear()
