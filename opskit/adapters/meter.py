"""Counting what a database does: queries, time, errors, slow queries."""

import logging
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from opskit.adapters.api import Connections, Metrics, SlowQuery
from opskit.errors import DatabaseError

SLOW_QUERIES_KEPT = 100

_log = logging.getLogger(__name__)


class Meter:
    """The counters of one database; safe to share between threads."""

    def __init__(self, name: str, slow_query_seconds: float) -> None:
        self._name = name
        self._slow_query_seconds = slow_query_seconds
        self._lock = threading.Lock()
        self._queries = 0
        self._seconds = 0.0
        self._errors = 0
        self._last_error: str | None = None
        self._slow: deque[SlowQuery] = deque(maxlen=SLOW_QUERIES_KEPT)

    @contextmanager
    def statement(self, sql: str) -> Generator[None]:
        """Count one statement, its time and its failure."""
        started = time.perf_counter()
        try:
            yield
        except DatabaseError as error:
            self.failed(error)
            raise
        finally:
            self._ended(sql, time.perf_counter() - started)

    def failed(self, error: DatabaseError) -> None:
        """Count a failure."""
        with self._lock:
            self._errors += 1
            self._last_error = str(error)

    @property
    def last_error(self) -> str | None:
        """The latest failure's message."""
        return self._last_error

    def metrics(self, connections: Connections, cache_hit_rate: float | None) -> Metrics:
        """The counters as they stand."""
        with self._lock:
            return Metrics(
                total_queries=self._queries,
                average_query_seconds=self._seconds / self._queries if self._queries else 0.0,
                error_count=self._errors,
                cache_hit_rate=cache_hit_rate,
                slow_queries=tuple(self._slow),
                connections=connections,
            )

    def _ended(self, sql: str, seconds: float) -> None:
        slow = seconds >= self._slow_query_seconds
        with self._lock:
            self._queries += 1
            self._seconds += seconds
            if slow:
                self._slow.append(SlowQuery(sql, seconds, datetime.now(UTC)))
        if slow:
            _log.warning("slow query on %s, %.3f s: %s", self._name, seconds, sql)
