"""What the exporter answers: its paths, and the state behind them."""

import logging
import os
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from opskit.config import Configuration, Loaded
from opskit.exporter.catalogue import METRICS
from opskit.exporter.collection import Collection, Snapshot
from opskit.exporter.custom import CustomQuery, load_queries
from opskit.exporter.exposition import accepts_gzip, compressed, encoded, exposed
from opskit.exporter.history import History
from opskit.exporter.metric import Metric
from opskit.exporter.page.page import Moment, page, policy
from opskit.exporter.reader import DatabaseReader
from opskit.exporter.reading import Reading
from opskit.exporter.serving import Request, Response
from opskit.exporter.tallies import Tallies
from opskit.exporter.workers import Worker
from opskit.transfer.deadline import Deadline

log = logging.getLogger(__name__)

SCRAPE_MARGIN_SECONDS = 0.25
"""How much earlier than Prometheus gives up the answer is on its way."""


class Service:
    """The exporter without its socket; belongs to the event loop.

    Args:
        changed: told in one line how the databases are, whenever that has changed.
    """

    def __init__(self, loaded: Loaded, changed: Callable[[str], None]) -> None:
        self._seconds = 0.0
        self._tallies = Tallies()
        self._metrics_told: tuple[Metric, ...] = ()
        self._workers: dict[str, Worker] = {}
        self._depends: dict[str, object] = {}
        self._histories: dict[str, History] = {}
        self._collection = Collection(self._workers, self._record)
        self.configure(loaded)
        self._changed = changed
        self._states: Mapping[str, str] = {}
        self._routes: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
            "/": self._page,
            "/metrics": self._metrics,
            "/-/healthy": self._healthy,
            "/-/ready": self._ready,
        }

    async def respond(self, request: Request) -> Response:
        """The answer to a GET or HEAD request."""
        route = self._routes.get(request.path)
        response = await route(request) if route else _text(HTTPStatus.NOT_FOUND, "not found")
        self._tallies.request(request.path if route else "other", response.status)
        return response

    def refused(self, code: int) -> None:
        """Counts a request that was refused before it was understood."""
        self._tallies.request("other", code)

    def configure(self, loaded: Loaded) -> None:
        """Takes a configuration over; a database that it leaves as it was keeps its session and its sums.

        Raises:
            ConfigurationError: the file of queries has faults; the configuration before stays.
        """
        configuration, state_dir = loaded.configuration, loaded.state_dir()
        queries = _queries(configuration)
        self._metrics_told = (*METRICS, *(metric for one in queries for metric in one.metrics))
        self._seconds = configuration.exporter.deadline
        self._collection.reuse = configuration.exporter.reuse
        self._collection.outdate()
        known = dict(self._workers)
        self._workers.clear()
        for name in configuration.databases:
            mine = tuple(one for one in queries if name in one.databases)
            depends = (_depends(configuration, state_dir, name), mine)
            if name in known and self._depends[name] == depends:
                self._workers[name] = known.pop(name)
            else:
                self._workers[name] = Worker(name, DatabaseReader(configuration, state_dir, name, mine))
            self._depends[name] = depends
            self._histories.setdefault(name, History())
        for name, worker in known.items():
            worker.leave()
            if name not in self._workers:
                self._forget(name)
        self._tallies.configured(succeeded=True)

    def refuse_configuration(self) -> None:
        """Tells that a new configuration has faults; the one before stays."""
        self._tallies.configured(succeeded=False)

    def _forget(self, database: str) -> None:
        del self._depends[database], self._histories[database]
        self._tallies.forget(database)

    async def collect(self) -> None:
        """A first collection, before anybody asks."""
        await self._collection.snapshot(Deadline.after(self._seconds))

    def alive(self) -> bool:
        """Whether readings are still being made."""
        return self._collection.alive()

    def stop(self, seconds: float) -> None:
        """Ends the readers, waiting so long at most for each."""
        for worker in self._workers.values():
            worker.stop(seconds)

    async def _metrics(self, request: Request) -> Response:
        snapshot = await self._collection.snapshot(Deadline.after(scrape_seconds(self._seconds, request)))
        result = exposed(self._current(snapshot), self._metrics_told)
        self._tallies.answer(result.series, result.dropped, time.monotonic() - snapshot.at)
        families = (*result.families, *self._tallies.families())
        body, content_type = encoded(families, request.headers.get("accept", ""))
        headers = {"Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            body, headers["Content-Encoding"] = compressed(body), "gzip"
        return Response(HTTPStatus.OK, body, content_type, headers)

    async def _page(self, request: Request) -> Response:
        snapshot = await self._collection.snapshot(Deadline.after(self._seconds))
        nonce = b64encode(os.urandom(16)).decode()
        now = Moment(time.time(), time.monotonic())
        body = page(self._current(snapshot), self._histories, now, nonce, refresh=request.query != "still")
        headers = {"Content-Security-Policy": policy(nonce)}
        return Response(HTTPStatus.OK, body.encode(), "text/html; charset=utf-8", headers)

    async def _healthy(self, _request: Request) -> Response:
        alive = self.alive()
        return _text(HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE, "ok" if alive else "stuck")

    async def _ready(self, _request: Request) -> Response:
        ready = bool(self._states)
        return _text(
            HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, "ok" if ready else "starting"
        )

    def _current(self, snapshot: Snapshot) -> list[Reading]:
        """The readings but for those of databases that the configuration has dropped meanwhile."""
        return [reading for reading in snapshot.readings if reading.database in self._workers]

    def _record(self, snapshot: Snapshot) -> None:
        readings = self._current(snapshot)
        states = {reading.database: state(reading) for reading in readings}
        for reading in readings:
            self._tallies.reading(reading)
            self._histories[reading.database].add(reading, snapshot.at)
            now = states[reading.database]
            if self._states.get(reading.database) != now:
                log.log(logging.INFO if reading.up else logging.WARNING, "%s: %s", reading.database, now)
        if states != self._states:
            self._states = states
            self._changed("; ".join(f"{database}: {now}" for database, now in states.items()))


def _queries(configuration: Configuration) -> tuple[CustomQuery, ...]:
    file = configuration.exporter.queries
    return load_queries(file, configuration.databases, METRICS) if file else ()


def _depends(configuration: Configuration, state_dir: Path, name: str) -> object:
    """What the reading of one database depends on."""
    rest = (
        configuration.application,
        configuration.postgresql,
        configuration.exporter,
        configuration.rollback,
    )
    return (configuration.databases[name], *rest, state_dir)


def state(reading: Reading) -> str:
    """A database's state in a few words, without anything secret."""
    engine = reading.engine.value if reading.engine else "engine unknown"
    if reading.up:
        return f"up on {engine}"
    reason = next((one.failure for one in reading.probes if one.failure), "unknown")
    return f"down on {engine} ({reason})"


def scrape_seconds(configured: float, request: Request) -> float:
    """How long a scrape may take: the configured deadline, or less when Prometheus will not wait as long."""
    try:
        patience = float(request.headers.get("x-prometheus-scrape-timeout-seconds", "inf"))
    except ValueError:
        return configured
    return max(0.0, min(configured, max(patience - SCRAPE_MARGIN_SECONDS, patience / 2)))


def _text(status: HTTPStatus, text: str) -> Response:
    return Response(status, f"{text}\n".encode())
