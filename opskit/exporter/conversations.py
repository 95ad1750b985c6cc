"""Conversations with several sessions at once, on one thread: while one waits, others go on.

A conversation's steps are a generator, which yields what it waits for.
"""

import select
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from opskit.exporter.reading import DEADLINE, ReadFailed
from opskit.transfer.deadline import Deadline

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Awaited:
    """One of these events of poll(2) on a socket, until the deadline."""

    socket: int
    events: int
    deadline: Deadline


Steps = Generator[Awaited, int, T_co]
"""What is awaited, one after the other. It is answered with what has happened, of the events or instead of
them; when the deadline passes, ReadFailed is raised there.
"""


class Conversation(Generic[T_co]):
    """Steps under way; those up to the first wait are taken at once."""

    def __init__(self, steps: Steps[T_co]) -> None:
        self._steps = steps
        self._ended: Future[T_co] = Future()
        self.awaited: Awaited | None = None
        self._step(partial(next, steps))

    def end(self, *others: "Conversation[object]") -> T_co:
        """What it ends with; others go on as long as it does.

        Raises:
            ReadFailed: it ended with that.
        """
        while self.awaited:
            _go_on([one for one in (self, *others) if one.awaited])
        return self._ended.result()

    def go_on(self, happened: int) -> None:
        """The next steps, when something has happened or the deadline has passed."""
        if happened:
            self._step(partial(self._steps.send, happened))
        elif self.awaited and not self.awaited.deadline.left():
            late = ReadFailed.of(DEADLINE, "no answer from PostgreSQL in time")
            self._step(partial(self._steps.throw, late))

    def _step(self, step: Callable[[], Awaited]) -> None:
        try:
            self.awaited = step()
        except StopIteration as end:
            self.awaited = None
            self._ended.set_result(end.value)
        except ReadFailed as error:
            self.awaited = None
            self._ended.set_exception(error)


def _go_on(conversations: Sequence[Conversation[object]]) -> None:
    """Waits for what the first of them waits for, or another."""
    poll = select.poll()
    awaited = [one.awaited for one in conversations if one.awaited]
    for one in awaited:
        poll.register(one.socket, one.events)
    happened = dict(poll.poll(1000 * min(one.deadline.left() for one in awaited)))
    for conversation, one in zip(conversations, awaited, strict=True):
        conversation.go_on(happened.get(one.socket, 0))
