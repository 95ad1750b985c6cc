"""The state machine: every step fails once, before and after the point, and is killed before and after."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.errors import NeedsAttention, QueryFailed, Refused, Reverted
from opskit.runs.journal import Journal, read_journal, unfinished
from opskit.switch.machine import backward, begun_in, forward, has_passed, point_of
from opskit.switch.plan import Wanted, cutover_plan
from opskit.switch.steps import OpenPostgresql, Step

PLAN = cutover_plan(Wanted(("main",), "app", "app.service"))
POINT = point_of(PLAN)
NUMBERS = range(len(PLAN.steps))


class World:
    """Knows which steps are done; one of them fails."""

    def __init__(self, fails: int = -1, kept: int = -1) -> None:
        self.done: list[Step] = []
        self.reverted: list[Step] = []
        self._fails = PLAN.steps[fails] if fails >= 0 else None
        self._kept = PLAN.steps[kept] if kept >= 0 else None

    def is_so(self, step: Step) -> bool:
        return step in self.done

    def perform(self, step: Step) -> None:
        if step == self._fails:
            raise QueryFailed.of("failed", step.title)
        self.done.append(step)

    def revert(self, step: Step) -> None:
        if step == self._kept:
            raise QueryFailed.of("kept", step.title)
        self.reverted.append(step)
        if step in self.done:
            self.done.remove(step)


@pytest.fixture
def journal(tmp_path: Path):
    with Journal(tmp_path, PLAN.command, PLAN.subject) as journal:
        yield journal


def last_event(journal: Journal) -> object:
    return list(read_journal(journal.file))[-1]["event"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_failure_before_the_point_puts_everything_back_and_one_after_it_nothing(
    journal: Journal, number: int
) -> None:
    world = World(fails=number)
    with pytest.raises(Reverted if number <= POINT else NeedsAttention) as raised:
        forward(PLAN, world, journal)
    if number <= POINT:
        assert world.done == []
        assert world.reverted == list(reversed(PLAN.steps[: number + 1]))
        assert last_event(journal) == "reverted"
    else:
        assert world.done == list(PLAN.steps[:number])
        assert world.reverted == []
        assert "opskit rollback" in raised.value.faults[-1].hint


@pytest.mark.parametrize("number", NUMBERS)
def test_after_a_kill_a_run_goes_on_to_its_end(tmp_path: Path, journal: Journal, number: int) -> None:
    world = World()
    world.done = list(PLAN.steps[:number])
    begun = {one.title for one in PLAN.steps[: number + 1]}
    begin = POINT if has_passed(PLAN, world, begun) else 0
    forward(PLAN, world, journal, begun, begin=begin)
    assert set(world.done) == set(PLAN.steps)
    assert last_event(journal) == "finished"


@pytest.mark.parametrize("number", NUMBERS)
def test_after_a_kill_a_run_can_be_put_back_until_the_point(journal: Journal, number: int) -> None:
    world = World()
    world.done = list(PLAN.steps[:number])
    begun = {one.title for one in PLAN.steps[: number + 1]}
    if number <= POINT:
        backward(PLAN, world, journal, begun)
        assert world.done == []
    else:
        with pytest.raises(Refused):
            backward(PLAN, world, journal, begun)
        assert world.reverted == []


def test_a_run_that_fails_again_puts_back_what_the_killed_one_had_begun(journal: Journal) -> None:
    world = World(fails=3)
    world.done = list(PLAN.steps[:6])
    world.done.remove(PLAN.steps[3])
    with pytest.raises(Reverted):
        forward(PLAN, world, journal, {one.title for one in PLAN.steps[:6]})
    assert world.done == []


def test_what_cannot_be_put_back_is_named_and_the_run_stays_open(tmp_path: Path, journal: Journal) -> None:
    with pytest.raises(NeedsAttention) as raised:
        forward(PLAN, World(fails=5, kept=2), journal)
    assert "--abort" in raised.value.faults[-1].hint
    (left,) = unfinished(tmp_path, PLAN.command, PLAN.subject)
    assert PLAN.steps[5].title in begun_in([left])


def test_when_nobody_can_tell_whether_the_point_is_passed_nothing_is_put_back(journal: Journal) -> None:
    class Blind(World):
        def is_so(self, step: Step) -> bool:
            if isinstance(step, OpenPostgresql):
                raise QueryFailed.of("gone", "the server is gone")
            return super().is_so(step)

    world = Blind()
    with pytest.raises(NeedsAttention) as raised:
        forward(PLAN, world, journal)
    assert raised.value.faults[-1].code == "point_unknown"
    assert world.reverted == []


def test_before_the_intent_of_the_point_nobody_has_to_be_asked_whether_it_is_passed() -> None:
    class Gone(World):
        def is_so(self, step: Step) -> bool:
            raise QueryFailed.of("gone", f"the server is gone: {step.title}")

    assert not has_passed(PLAN, Gone(), {one.title for one in PLAN.steps[:POINT]})


def test_an_interrupt_puts_back_too(journal: Journal) -> None:
    world = World()

    def interrupted(step: Step, perform: Callable[[Step], None] = world.perform) -> None:
        if step == PLAN.steps[4]:
            raise KeyboardInterrupt
        perform(step)

    world.perform = interrupted
    with pytest.raises(KeyboardInterrupt):
        forward(PLAN, world, journal)
    assert world.done == []


def test_a_plan_without_a_point_can_always_be_put_back() -> None:
    assert point_of(replace(PLAN, stages=PLAN.stages[:3])) == 3
