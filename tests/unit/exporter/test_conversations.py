"""Conversations over sockets: who waits holds up nobody else, and no longer than until the deadline."""

import select
import socket
from collections.abc import Iterator

import pytest

from opskit.exporter.conversations import Awaited, Conversation, Steps
from opskit.exporter.reading import DEADLINE, ReadFailed
from opskit.transfer.deadline import Deadline

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


@pytest.fixture
def others() -> Iterator[Ends]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def hears(ends: Ends, times: int, seconds: float = 20) -> Steps[str]:
    heard = ""
    for _ in range(times):
        yield Awaited(ends[0].fileno(), select.POLLIN, Deadline.after(seconds))
        heard += ends[0].recv(1).decode()
    return heard


def test_steps_before_the_first_wait_are_taken_at_once(ends: Ends) -> None:
    def asks() -> Steps[str]:
        ends[0].send(b"?")
        return (yield from hears(ends, 1))

    conversation = Conversation(asks())
    assert ends[1].recv(1) == b"?"
    ends[1].send(b"!")
    assert conversation.end() == "!"
    assert conversation.end() == "!"


def test_what_waits_for_nothing_has_ended() -> None:
    def nothing() -> Steps[int]:
        yield from ()
        return 7

    assert Conversation(nothing()).end() == 7


def test_others_go_on_meanwhile_and_nobody_waits_for_them(ends: Ends, others: Ends) -> None:
    beside = Conversation(hears(others, 3))
    others[1].send(b"ab")
    wanted = Conversation(hears(ends, 2))
    ends[1].send(b"12")
    assert wanted.end(beside) == "12"
    assert select.select([others[0]], [], [], 0)[0] == []  # both were taken
    others[1].send(b"c")
    assert beside.end() == "abc"


def test_who_is_not_answered_in_time_is_told_and_may_go_on(ends: Ends, others: Ends) -> None:
    def patient() -> Steps[str]:
        try:
            yield from hears(others, 1, seconds=0.01)
        except ReadFailed as error:
            ends[1].send(b"x")
            return error.faults[0].code
        return ""

    beside = Conversation(patient())
    assert Conversation(hears(ends, 1)).end(beside) == "x"
    assert beside.end() == DEADLINE


def test_a_failure_is_that_of_its_own_conversation(ends: Ends, others: Ends) -> None:
    beside = Conversation(hears(others, 1, seconds=0))
    ends[1].send(b"1")
    assert Conversation(hears(ends, 1)).end(beside) == "1"
    with pytest.raises(ReadFailed, match="no answer"):
        beside.end()
