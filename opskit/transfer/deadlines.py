"""Waiting for PostgreSQL with the client's own clock: a hung server cannot hold us.

psycopg's generators do the protocol and ask to wait; here is who waits. (connect_timeout counts whole seconds
from 2 up, and statement_timeout needs a server that is awake.)
"""

import select
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import psycopg
from psycopg import generators
from psycopg.abc import PQGen, PQGenConn
from psycopg.pq.abc import PGconn
from psycopg.rows import DictRow, Row, dict_row
from psycopg.waiting import Ready, Wait

from opskit.transfer.deadline import Deadline

T = TypeVar("T")

_BEAT = 1.0
"""Seconds after which one who waits says that it still does."""


class NoAnswer(psycopg.OperationalError):
    """The server was silent for too long."""


def _nobody() -> None:
    """Nobody has to be told."""


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a server may be silent; what comes begins the time anew.

    Attributes:
        alive: called once a second meanwhile.
    """

    seconds: float
    alive: Callable[[], None] = _nobody


Limit = Deadline | Silence


class BoundedConnection(psycopg.Connection[Row]):
    """A connection whose every wait has an end.

    Attributes:
        limit: may be changed at any time.
    """

    limit: Limit = Silence(60.0)

    def wait(self, gen: PQGen[T], interval: float = 0.0, timeout: float | None = None) -> T:  # noqa: ARG002  psycopg's signature
        """Runs a step of the protocol; an interrupt leaves a closed connection, as the answer may yet come.

        Raises:
            NoAnswer: the limit was reached.
        """
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(ready(self.pgconn.socket, wanted, self.limit))
        except StopIteration as end:
            return end.value
        except (NoAnswer, KeyboardInterrupt):
            self.close()
            raise


def connect(conninfo: str, deadline: Deadline) -> BoundedConnection[DictRow]:
    """A new session in autocommit mode, with this deadline.

    Raises:
        NoAnswer: the deadline passed.
        psycopg.Error: the server or the network refused.
    """
    session = BoundedConnection(_connected(generators.connect(conninfo), deadline), row_factory=dict_row)
    session.limit = deadline
    session.autocommit = True
    return session


@contextmanager
def allowing(connection: psycopg.Connection[Row], seconds: float) -> Generator[None]:
    """Lets a bounded connection be silent for longer, for what the server has to think about."""
    if not isinstance(connection, BoundedConnection) or not isinstance(connection.limit, Silence):
        yield
        return
    usual = connection.limit
    connection.limit = replace(usual, seconds=seconds)
    try:
        yield
    finally:
        connection.limit = usual


def await_input(connection: psycopg.Connection[Row]) -> None:
    """Waits until something comes from the server; without end, unless the connection is a bounded one.

    Raises:
        NoAnswer: the limit was reached; the connection is closed.
    """
    if not isinstance(connection, BoundedConnection):
        poll = select.poll()
        poll.register(connection.pgconn.socket, select.POLLIN)
        poll.poll()
        return
    try:
        ready(connection.pgconn.socket, Wait.R, connection.limit)
    except NoAnswer:
        connection.close()
        raise


def ready(socket: int, wanted: Wait, limit: Limit) -> Ready:
    """What the socket is ready for, of what is wanted, as soon as it is.

    Raises:
        NoAnswer: the limit was reached.
    """
    events = (select.POLLIN if wanted & Wait.R else 0) | (select.POLLOUT if wanted & Wait.W else 0)
    poll = select.poll()
    poll.register(socket, events)
    seen = _polled(poll, limit)
    readable = Ready.R if seen & ~select.POLLOUT else Ready.NONE
    writable = Ready.W if seen & ~select.POLLIN else Ready.NONE
    return Ready(readable | writable)


def _polled(poll: select.poll, limit: Limit) -> int:
    """The events that happened."""
    until = limit if isinstance(limit, Deadline) else Deadline.after(limit.seconds)
    while not (happened := poll.poll(min(until.left(), _BEAT) * 1000)):
        if not until.left():
            told = f" for {limit.seconds:g} seconds" if isinstance(limit, Silence) else " in time"
            raise NoAnswer(f"no answer from PostgreSQL{told}")
        if isinstance(limit, Silence):
            limit.alive()
    return happened[0][1]


def _connected(gen: PQGenConn[PGconn], deadline: Deadline) -> PGconn:
    try:
        socket, wanted = next(gen)
        while True:
            socket, wanted = gen.send(ready(socket, wanted, deadline))
    except StopIteration as end:
        return end.value
