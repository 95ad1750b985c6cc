"""A session that is asked many queries in one round trip: prepared once, sent together, answered in turn.

Each query is a transaction of its own, so that one that fails takes no other with it. Every wait ends by the
client's own clock: a hung server cannot hold us. (connect_timeout counts whole seconds from 2 up, and
statement_timeout needs a server that is awake.)
"""

import json
import select
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import cast

from opskit.exporter.libpq import Connection, Lost, Polling, Result, Status
from opskit.exporter.reading import DEADLINE, Outcome, ReadFailed, Row, collect
from opskit.exporter.reasons import CONNECTION_LOST, condition, connection_reason
from opskit.transfer.deadline import Deadline

_ROWS = b"select pg_catalog.json_agg(opskit_row) from (\n%b\n) as opskit_row"
"""All rows as one value: taken apart here one by one they would cost more than all the rest."""


@dataclass(frozen=True, slots=True)
class Call:
    """A query and its parameters as text.

    Attributes:
        name: also that of its prepared statement.
        anew: whether it is prepared each time: its tables may change.
    """

    name: str
    text: bytes
    parameters: tuple[bytes, ...] = ()
    anew: bool = False


class Batches:
    """A session that is asked the same queries again and again.

    Args:
        parameters: libpq's.

    Raises:
        ReadFailed: the server or the network refused, or the deadline passed. libpq's words stay out: they
            may quote a password.
    """

    def __init__(self, parameters: Mapping[str, str | int], deadline: Deadline) -> None:
        self._connection = Connection(parameters)
        self._prepared: set[str] = set()
        self._lost = ""
        try:
            self._connect(deadline)
        except BaseException:
            self.close()
            raise

    def ask(self, calls: Sequence[Call], deadline: Deadline) -> list[Outcome]:
        """The outcome of each call, in their order.

        When the deadline passes or the connection is lost, all that are left fail for that reason, and so
        does whatever the session is asked later.
        """
        with suppress(ReadFailed), self._unless_lost():
            self._send(calls, deadline)
        return [collect(call.name, partial(self._rows, call, deadline)) for call in calls]

    def close(self) -> None:
        """Ends the session."""
        self._connection.close()

    def _connect(self, deadline: Deadline) -> None:
        step = Polling.WRITING
        while step is not Polling.OK:
            if step is Polling.FAILED or self._connection.socket() < 0:
                reason = connection_reason(self._connection.error())
                raise ReadFailed.of(reason, "PostgreSQL cannot be reached")
            writing = step is Polling.WRITING
            _wait(self._connection.socket(), select.POLLOUT if writing else select.POLLIN, deadline)
            step = self._connection.poll()
        self._connection.enter_pipeline()

    def _send(self, calls: Sequence[Call], deadline: Deadline) -> None:
        for call in calls:
            name = b"" if call.anew else call.name.encode()
            if call.name not in self._prepared:
                self._connection.prepare(name, _ROWS % call.text.rstrip(b"; \n"))
            self._connection.execute(name, call.parameters)
        while not self._connection.flush():
            if _wait(self._connection.socket(), select.POLLIN | select.POLLOUT, deadline) & select.POLLIN:
                self._connection.consume()

    def _rows(self, call: Call, deadline: Deadline) -> list[Row]:
        with self._unless_lost():
            results = self._results(deadline)
        if results[0].status == Status.COMMAND_OK and not call.anew:
            self._prepared.add(call.name)
        failed = [one for one in results if one.status == Status.FATAL_ERROR]
        if failed:
            raise ReadFailed.of(condition(failed[0].sqlstate), "PostgreSQL refused a query")
        return cast("list[Row]", json.loads(results[-1].value or b"[]"))

    def _results(self, deadline: Deadline) -> list[Result]:
        """What the next call gave: of its preparation, when it needed one, and its rows; or an error."""
        results: list[Result] = []
        while (result := self._next(deadline)) is None or result.status != Status.PIPELINE_SYNC:
            if result is not None:
                results.append(result)
        return results

    def _next(self, deadline: Deadline) -> Result | None:
        while self._connection.busy():
            _wait(self._connection.socket(), select.POLLIN, deadline)
            self._connection.consume()
        return self._connection.result()

    @contextmanager
    def _unless_lost(self) -> Generator[None]:
        """Answers that did not come in time would be taken for those to later questions."""
        if self._lost:
            raise ReadFailed.of(self._lost, "the session is of no use any more")
        try:
            yield
        except Lost as error:
            self._lost = CONNECTION_LOST
            raise ReadFailed.of(CONNECTION_LOST, "the connection to PostgreSQL is lost") from error
        except ReadFailed as error:
            self._lost = error.faults[0].code
            raise


def _wait(socket: int, events: int, deadline: Deadline) -> int:
    """What has happened, of the events or instead of them, as soon as something has.

    Raises:
        ReadFailed: the deadline passed.
    """
    poll = select.poll()
    poll.register(socket, events)
    happened = poll.poll(deadline.left() * 1000)
    if not happened:
        raise ReadFailed.of(DEADLINE, "no answer from PostgreSQL in time")
    return happened[0][1]
