"""Periodic health checks."""

import threading
from collections.abc import Callable, Mapping

from opskit.adapters.api import Health


class HealthMonitor:
    """A thread that probes at an interval and tells what changed.

    Args:
        probe: the health of each database, by name.
        on_change: called at a database's first probe and whenever its `healthy` has changed.
    """

    def __init__(
        self,
        probe: Callable[[], Mapping[str, Health]],
        interval_seconds: float,
        on_change: Callable[[str, Health], None],
    ) -> None:
        self._probe = probe
        self._interval_seconds = interval_seconds
        self._on_change = on_change
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="opskit-health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, after the probe that may be running; not to be called from `on_change`."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        known: dict[str, bool] = {}
        while not self._closing.is_set():
            for name, health in self._probe().items():
                if known.get(name) != health.healthy:
                    known[name] = health.healthy
                    self._on_change(name, health)
            self._closing.wait(self._interval_seconds)
