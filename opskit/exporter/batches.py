"""A session that is asked many queries in few round trips: prepared once, sent together, answered in turn.

What takes no time is one statement, and is asked singly when that fails; what is asked singly is a
transaction of its own, so that one that fails takes no other with it. Every wait ends by the client's own
clock: a hung server cannot hold us. (connect_timeout counts whole seconds from 2 up, and statement_timeout
needs a server that is awake.)
"""

import json
import select
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import cast

from opskit.exporter.calls import Asked, Call, Joined, joined
from opskit.exporter.libpq import Connection, Lost, Polling, Result, Status
from opskit.exporter.reading import DEADLINE, Outcome, ReadFailed, Row, collect
from opskit.exporter.reasons import CONNECTION_LOST, condition, connection_reason
from opskit.transfer.deadline import Deadline


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
        self._refused: frozenset[str] = frozenset()
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
        return self.end(self.begin(calls, deadline), deadline)

    def begin(self, calls: Sequence[Call], deadline: Deadline, word: Call | None = None) -> Asked:
        """Sends calls, whose outcomes `end` gives, so that the server works while we do something else.

        Args:
            word: another one, which is answered first, to `answer`.
        """
        asked = Asked(tuple(calls), joined(calls, self._refused))
        self._send([one for one in (word, asked.together, *asked.singly) if one], deadline)
        return asked

    def end(self, asked: Asked, deadline: Deadline) -> list[Outcome]:
        """What `ask` gives, of calls that were begun."""
        together = asked.together
        found = self._apart(together, deadline) if together else {}
        found |= self._answers(asked.singly, deadline)
        if together and together.calls[0].name not in found:
            self._send(together.calls, deadline)
            found |= self._answers(together.calls, deadline)
        return [found[call.name] for call in asked.calls]

    def word(self, call: Call, deadline: Deadline) -> str:
        """The single value of a call.

        Raises:
            ReadFailed: the server refused, the connection was lost, or the deadline passed.
        """
        self._send([call], deadline)
        return self.answer(call, deadline)

    def answer(self, word: Call, deadline: Deadline) -> str:
        """What `word` gives, of a call that was begun.

        Raises:
            ReadFailed: likewise.
        """
        return self._value(word, deadline).decode()

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

    def _send(self, asked: Sequence[Call | Joined], deadline: Deadline) -> None:
        """Sends them all; whoever waits for an answer is told when that fails."""
        with suppress(ReadFailed), self._unless_lost():
            for one in asked:
                name = b"" if one.anew else one.name.encode()
                if one.name not in self._prepared:
                    self._connection.prepare(name, one.statement)
                self._connection.execute(name, one.parameters)
            while not self._connection.flush():
                if _wait(self._connection.socket(), select.POLLIN | select.POLLOUT, deadline) & select.POLLIN:
                    self._connection.consume()

    def _apart(self, together: Joined, deadline: Deadline) -> dict[str, Outcome]:
        """The outcomes of those that share a statement; none when it failed, whoever is to blame."""
        with suppress(ReadFailed):
            return dict(together.outcomes(self._value(together, deadline)))
        return {}

    def _answers(self, calls: Sequence[Call], deadline: Deadline) -> dict[str, Outcome]:
        """The outcomes of those that are asked singly. Who fails shares no statement until it succeeds."""
        found = {call.name: collect(call.name, partial(self._rows, call, deadline)) for call in calls}
        self._refused = frozenset(
            {*self._refused.difference(found), *(name for name, one in found.items() if one.failure)}
        )
        return found

    def _rows(self, call: Call, deadline: Deadline) -> list[Row]:
        return cast("list[Row]", json.loads(self._value(call, deadline) or b"[]"))

    def _value(self, asked: Call | Joined, deadline: Deadline) -> bytes:
        with self._unless_lost():
            results = self._results(deadline)
        if results[0].status == Status.COMMAND_OK and not asked.anew:
            self._prepared.add(asked.name)
        failed = [one for one in results if one.status == Status.FATAL_ERROR]
        if failed:
            raise ReadFailed.of(condition(failed[0].sqlstate), "PostgreSQL refused a query")
        return results[-1].value

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
