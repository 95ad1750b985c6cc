"""A pool of sessions, the same for both engines.

Why not psycopg_pool: it connects in background threads and retries there, so that a caller learns "no
connection within 30 s" instead of "password authentication failed" at once, and after a restart of the
server it discards its dead connections one at a time with a growing pause between them (version 3.3, five
idle connections: 14.7 s to the first query). Here the caller connects, in its own thread, and dead sessions
are told without a round trip. SQLite needs a pool as well.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from opskit.adapters.api import Connections
from opskit.adapters.session import Session
from opskit.errors import ConnectionFailed

_GRACE_SECONDS = 5.0
"""How long interrupted work may take to notice that it was interrupted."""


class Pool:
    """At most `limit` sessions, opened when they are first needed.

    Args:
        name: the database's, for messages.
        opener: opens a session; its ConnectionFailed goes to the caller that needed one.
        wait_seconds: how long a caller waits for a session while all are in use.
    """

    def __init__(self, name: str, opener: Callable[[], Session], *, limit: int, wait_seconds: float) -> None:
        self._name = name
        self._opener = opener
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._idle: list[Session] = []
        self._active: list[Session] = []
        self._taken = 0
        self._waiting = 0
        self._closed = False

    @contextmanager
    def lease(self, wait_seconds: float | None = None) -> Generator[Session]:
        """A session for the length of the block.

        Args:
            wait_seconds: instead of the pool's.

        Raises:
            ConnectionFailed: none became free in time, none could be opened, or the pool is closed.
        """
        session = self._take(self._wait_seconds if wait_seconds is None else wait_seconds)
        try:
            yield session
        finally:
            self._give_back(session)

    def connections(self) -> Connections:
        """How many sessions there are, and callers waiting for one."""
        with self._changed:
            idle = len(self._idle)
            return Connections(self._taken + idle, self._taken, idle, self._waiting)

    def close(self, timeout_seconds: float) -> None:
        """Refuse new callers, wait for the sessions in use, interrupt what still runs then."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for session in idle:
            session.close()
        with self._changed:
            if self._changed.wait_for(lambda: self._taken == 0, timeout_seconds):
                return
            for session in self._active:
                session.interrupt()
            self._changed.wait_for(lambda: self._taken == 0, _GRACE_SECONDS)

    def _take(self, wait_seconds: float) -> Session:
        session = self._reserve(wait_seconds)
        try:
            if session is not None and not session.alive():
                session.close()
                session = None
            session = session or self._opener()
        except BaseException:
            self._release()
            raise
        with self._changed:
            self._active.append(session)
        return session

    def _reserve(self, wait_seconds: float) -> Session | None:
        """A place in the pool, with an idle session in it if there is one."""
        deadline = time.monotonic() + wait_seconds
        with self._changed:
            self._waiting += 1
            try:
                while not self._closed and not self._idle and self._taken >= self._limit:
                    if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                        raise exhausted(self._name, self._limit, wait_seconds)
            finally:
                self._waiting -= 1
            if self._closed:
                raise closed(self._name)
            self._taken += 1
            return self._idle.pop() if self._idle else None

    def _give_back(self, session: Session) -> None:
        with self._changed:
            self._active.remove(session)
        kept = session.reset() and not self._closed
        if not kept:
            session.close()
        with self._changed:
            if kept and self._closed:
                session.close()
            elif kept:
                self._idle.append(session)
            self._taken -= 1
            self._changed.notify_all()

    def _release(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()


def exhausted(name: str, limit: int, wait_seconds: float) -> ConnectionFailed:
    """No connection became free in time."""
    return ConnectionFailed.of(
        "pool_exhausted",
        f"database {name}: all {limit} connections were in use for {wait_seconds:g} s",
        hint="end transactions sooner, or raise the pool's limit",
        where=name,
    )


def closed(name: str) -> ConnectionFailed:
    """The database was closed."""
    return ConnectionFailed.of("closed", f"database {name} is closed", hint="open it again", where=name)
