"""A Prometheus that goes by the shipped rules, only faster: what it watches fires within seconds."""

import re
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.exporter.prometheus import Prometheus, prometheus
from tests.integration.exporter.world import Exporter, wait_until

RULES = Path(__file__).parents[3] / "monitoring/prometheus/opskit.rules.yml"
FASTER = 120
SECONDS = 150
"""How long a test waits for an alert at most."""


def hurried(rules: str) -> str:
    """The rules with every time in them shortened: how long something must last, windows, ages."""
    lasting = re.sub(r"(?m)^( +for: ).*$", r"\g<1>1s", rules)
    windows = re.sub(r"\[\d+[mhd]\]", "[8s]", lasting)
    return re.sub(r"\* (60|3600|86400)\b", lambda found: f"* {int(found[1]) / FASTER:g}", windows)


class Watch:
    """What fires.

    Args:
        besides: alerts that fire in this world all the time.
    """

    def __init__(self, asked: Prometheus, besides: Collection[str]) -> None:
        self.prometheus = asked
        self._besides = frozenset(besides)

    def fires(self, *alerts: str) -> None:
        """Waits until all of these do."""
        self._until(lambda firing: set(alerts) - firing)

    def ends(self, *alerts: str) -> None:
        """Waits until none of these does any more; none at all when none is named."""
        self._until(lambda firing: firing & set(alerts) if alerts else firing)

    def is_quiet(self, seconds: float = 3.0) -> None:
        """Nothing fires for some time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            firing = self._firing()
            assert not firing, firing
            time.sleep(0.2)

    def _firing(self) -> set[str]:
        return self.prometheus.firing() - self._besides

    def _until(self, left: Callable[[set[str]], set[str]]) -> None:
        until = time.monotonic() + SECONDS
        while missing := left(self._firing()):
            assert time.monotonic() < until, f"waited in vain for {missing}"
            time.sleep(0.2)


@contextmanager
def watching(
    directory: Path, exporter: Exporter, *, seconds: int = 1, besides: Collection[str] = ()
) -> Generator[Watch]:
    """A Prometheus that scrapes the exporter every so many seconds, and has done so."""
    rules = directory / "hurried.rules.yml"
    rules.write_text(hurried(RULES.read_text(encoding="utf-8")), encoding="utf-8")
    with prometheus(directory / "prometheus", exporter.port, seconds=seconds, rules=[rules]) as asked:
        wait_until(lambda: asked.by_database("up"))
        yield Watch(asked, besides)
