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
from typing import cast

from opskit.exporter.calls import Asked, Call, Joined, joined
from opskit.exporter.conversations import Awaited, Steps
from opskit.exporter.libpq import Connection, Lost, Polling, Result, Status
from opskit.exporter.reading import Attempt, Outcome, ReadFailed, Row
from opskit.exporter.reasons import CONNECTION_LOST, condition, connection_reason
from opskit.transfer.deadline import Deadline


class Batches:
    """A session that is asked the same queries again and again; what it does are steps of a conversation.

    Args:
        parameters: libpq's.
    """

    def __init__(self, parameters: Mapping[str, str | int]) -> None:
        self._connection = Connection(parameters)
        self._prepared: set[str] = set()
        self._refused: frozenset[str] = frozenset()
        self._lost = ""

    def connect(self, deadline: Deadline) -> Steps[None]:
        """Has the server let us in; to be done first.

        Raises:
            ReadFailed: the server or the network refused, or the deadline passed. libpq's words stay out:
                they may quote a password.
        """
        step = Polling.WRITING
        while step is not Polling.OK:
            if step is Polling.FAILED or self._connection.socket() < 0:
                reason = connection_reason(self._connection.error())
                raise ReadFailed.of(reason, "PostgreSQL cannot be reached")
            events = select.POLLOUT if step is Polling.WRITING else select.POLLIN
            yield Awaited(self._connection.socket(), events, deadline)
            step = self._connection.poll()
        self._connection.enter_pipeline()

    def ask(self, calls: Sequence[Call], deadline: Deadline) -> Steps[list[Outcome]]:
        """The outcome of each call, in their order.

        When the deadline passes or the connection is lost, all that are left fail for that reason, and so
        does whatever the session is asked later.
        """
        asked = yield from self.send(calls, deadline)
        return (yield from self.outcomes(asked, deadline))

    def send(self, calls: Sequence[Call], deadline: Deadline, word: Call | None = None) -> Steps[Asked]:
        """Sends calls, whose outcomes `outcomes` gives.

        Args:
            word: another one, which is answered first, to `answer`.
        """
        asked = Asked(tuple(calls), joined(calls, self._refused))
        yield from self._send([one for one in (word, asked.together, *asked.singly) if one], deadline)
        return asked

    def outcomes(self, asked: Asked, deadline: Deadline) -> Steps[list[Outcome]]:
        """What `ask` gives, of calls that were sent."""
        together = asked.together
        found = (yield from self._apart(together, deadline)) if together else {}
        found |= yield from self._answers(asked.singly, deadline)
        if together and together.calls[0].name not in found:
            yield from self._send(together.calls, deadline)
            found |= yield from self._answers(together.calls, deadline)
        return [found[call.name] for call in asked.calls]

    def word(self, call: Call, deadline: Deadline) -> Steps[str]:
        """The single value of a call.

        Raises:
            ReadFailed: the server refused, the connection was lost, or the deadline passed.
        """
        yield from self._send([call], deadline)
        return (yield from self.answer(call, deadline))

    def answer(self, word: Call, deadline: Deadline) -> Steps[str]:
        """What `word` gives, of a call that was sent.

        Raises:
            ReadFailed: likewise.
        """
        return (yield from self._value(word, deadline)).decode()

    def close(self) -> None:
        """Ends the session."""
        self._connection.close()

    def _send(self, asked: Sequence[Call | Joined], deadline: Deadline) -> Steps[None]:
        """Sends them all; whoever waits for an answer is told when that fails."""
        with suppress(ReadFailed), self._unless_lost():
            for one in asked:
                name = b"" if one.anew else one.name.encode()
                if one.name not in self._prepared:
                    self._connection.prepare(name, one.statement)
                self._connection.execute(name, one.parameters)
            while not self._connection.flush():
                events = select.POLLIN | select.POLLOUT
                happened = yield Awaited(self._connection.socket(), events, deadline)
                if happened & select.POLLIN:
                    self._connection.consume()

    def _apart(self, together: Joined, deadline: Deadline) -> Steps[dict[str, Outcome]]:
        """The outcomes of those that share a statement; none when it failed, whoever is to blame."""
        with suppress(ReadFailed):
            return dict(together.outcomes((yield from self._value(together, deadline))))
        return {}

    def _answers(self, calls: Sequence[Call], deadline: Deadline) -> Steps[dict[str, Outcome]]:
        """The outcomes of those that are asked singly. Who fails shares no statement until it succeeds."""
        found: dict[str, Outcome] = {}
        for call in calls:
            rows: list[Row] = []
            with Attempt(call.name) as attempt:
                rows = cast("list[Row]", json.loads((yield from self._value(call, deadline)) or b"[]"))
            found[call.name] = attempt.outcome(rows)
        self._refused = frozenset(
            {*self._refused.difference(found), *(name for name, one in found.items() if one.failure)}
        )
        return found

    def _value(self, asked: Call | Joined, deadline: Deadline) -> Steps[bytes]:
        with self._unless_lost():
            results = yield from self._results(deadline)
        if results[0].status == Status.COMMAND_OK and not asked.anew:
            self._prepared.add(asked.name)
        failed = [one for one in results if one.status == Status.FATAL_ERROR]
        if failed:
            raise ReadFailed.of(condition(failed[0].sqlstate), "PostgreSQL refused a query")
        return results[-1].value

    def _results(self, deadline: Deadline) -> Steps[list[Result]]:
        """What the next call gave: of its preparation, when it needed one, and its rows; or an error."""
        results: list[Result] = []
        while (result := (yield from self._next(deadline))) is None or result.status != Status.PIPELINE_SYNC:
            if result is not None:
                results.append(result)
        return results

    def _next(self, deadline: Deadline) -> Steps[Result | None]:
        while self._connection.busy():
            yield Awaited(self._connection.socket(), select.POLLIN, deadline)
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
