"""Worker processes: what a task raises comes back, and a worker that dies is told."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from opskit.errors import ConnectionFailed, QueryFailed
from opskit.transfer.tasks import Execute
from opskit.transfer.workers import Advance, Ends, Route, Workers
from tests.support import make_sqlite


@pytest.fixture
def route(tmp_path: Path) -> Route:
    """To a server that is not there."""
    source = make_sqlite(tmp_path / "app.db", "CREATE TABLE t (a)")
    return Route(source, "host=127.0.0.1 port=1 dbname=nowhere", "test", {})


@pytest.fixture
def workers(route: Route) -> Iterator[Workers]:
    workers = Workers(route, 2)
    yield workers
    workers.halt()


def nothing(_: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True)
class Never:
    """A task that is never begun, as there is no server."""

    def run(self, _ends: Ends, _advance: Advance, /) -> None:
        raise AssertionError


def test_what_a_worker_raises_is_raised_here_and_it_goes_on_to_the_next_task(workers: Workers) -> None:
    for _ in range(5):
        with pytest.raises(ConnectionFailed, match="cannot be reached"):
            workers.run(Execute("SELECT 1"), nothing)


def test_halted_workers_take_no_more_tasks(workers: Workers) -> None:
    workers.halt()
    with pytest.raises(QueryFailed, match="was stopped"):
        workers.run(Never(), nothing)


def test_a_worker_that_dies_is_told(workers: Workers) -> None:
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(QueryFailed, match="a worker process died"):
        workers.run(Never(), nothing)
