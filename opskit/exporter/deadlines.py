"""Waiting for PostgreSQL with the client's own clock: a hung server cannot hold us.

psycopg's generators do the protocol and ask to wait; here is who waits. (connect_timeout counts whole seconds
from 2 up, and statement_timeout needs a server that is awake.)
"""

import select
from typing import TypeVar

import psycopg
from psycopg import generators
from psycopg.abc import PQGen, PQGenConn
from psycopg.pq.abc import PGconn
from psycopg.rows import DictRow, dict_row
from psycopg.waiting import Ready, Wait

from opskit.exporter.reading import DEADLINE, Deadline, ReadFailed

T = TypeVar("T")


class Session(psycopg.Connection[DictRow]):
    """A connection whose every round trip ends by its deadline."""

    deadline: Deadline

    def wait(self, gen: PQGen[T], interval: float = 0.0, timeout: float | None = None) -> T:  # noqa: ARG002  psycopg's signature
        """Runs a step of the protocol.

        Raises:
            ReadFailed: the deadline passed; the connection is unusable and has to be closed.
        """
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(ready(self.pgconn.socket, wanted, self.deadline))
        except StopIteration as end:
            return end.value


def connect(conninfo: str, deadline: Deadline) -> Session:
    """A new session in autocommit mode.

    Raises:
        ReadFailed: the deadline passed.
        psycopg.Error: the server or the network refused.
    """
    session = Session(_connected(generators.connect(conninfo), deadline), row_factory=dict_row)
    session.deadline = deadline
    session.autocommit = True
    return session


def _connected(gen: PQGenConn[PGconn], deadline: Deadline) -> PGconn:
    try:
        socket, wanted = next(gen)
        while True:
            socket, wanted = gen.send(ready(socket, wanted, deadline))
    except StopIteration as end:
        return end.value


def ready(socket: int, wanted: Wait, deadline: Deadline) -> Ready:
    """What the socket is ready for, of what is wanted, as soon as it is.

    Raises:
        ReadFailed: the deadline passed.
    """
    events = (select.POLLIN if wanted & Wait.R else 0) | (select.POLLOUT if wanted & Wait.W else 0)
    poll = select.poll()
    poll.register(socket, events)
    happened = poll.poll(deadline.left() * 1000)
    if not happened:
        raise ReadFailed.of(DEADLINE, "no answer from PostgreSQL in time")
    seen = happened[0][1]
    readable = Ready.R if seen & ~select.POLLOUT else Ready.NONE
    writable = Ready.W if seen & ~select.POLLIN else Ready.NONE
    return Ready(readable | writable)
