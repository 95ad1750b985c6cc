"""Whatever happens in the middle of a plan, all that was begun is put back in reverse, or it is told."""

import json
import resource
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opskit.errors import ExitCode, NeedsAttention, QueryFailed, Reverted
from opskit.runs.execute import execute
from opskit.runs.journal import Journal, unfinished
from opskit.runs.plan import Plan, Stage

GO_ON = "run the same command again"


@dataclass(frozen=True, slots=True)
class Put:
    """Put a word into the world."""

    word: str

    @property
    def title(self) -> str:
        return f"put {self.word}"


PLAN = Plan("paint", "the fence", tuple(Stage((Put(word),)) for word in ("a", "b", "c", "d")))


def fail() -> None:
    raise QueryFailed.of("no", "the world said no", hint="ask again")


def interrupt() -> None:
    raise KeyboardInterrupt


def stumble() -> None:
    raise ZeroDivisionError


@dataclass(slots=True)
class World:
    """Performs and reverts steps on a list of words; a step goes wrong after half its work is done."""

    troubles: dict[str, Callable[[], None]] = field(default_factory=dict[str, Callable[[], None]])
    words: list[str] = field(default_factory=list[str])
    reverted: list[str] = field(default_factory=list[str])
    halted: bool = False

    def perform(self, step: Put) -> None:
        self.words.append(step.word)
        self.troubles.get(f"perform {step.word}", bool)()

    def halt(self) -> None:
        self.halted = True

    def revert(self, step: Put) -> None:
        self.troubles.get(f"revert {step.word}", bool)()
        self.words.remove(step.word)
        self.reverted.append(step.word)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path, PLAN.command, PLAN.subject) as journal:
        yield journal


def events(journal: Journal) -> list[str]:
    return [json.loads(line)["event"] for line in journal.file.read_text().splitlines()]


def run(world: World, journal: Journal) -> None:
    execute(PLAN, world, journal, go_on=GO_ON)


def is_over(journal: Journal) -> bool:
    return not list(unfinished(journal.file.parent, PLAN.command, PLAN.subject))


def test_all_steps_are_performed_in_order_and_journalled_before_and_after(journal: Journal) -> None:
    world = World()
    run(world, journal)
    assert world.words == ["a", "b", "c", "d"]
    assert world.reverted == []
    assert events(journal) == ["started", *["intent", "done"] * 4, "finished"]
    assert is_over(journal)


@pytest.mark.parametrize("position", range(4))
def test_a_failure_at_any_step_puts_everything_begun_back_in_reverse(journal: Journal, position: int) -> None:
    word = PLAN.steps[position].word
    world = World({f"perform {word}": fail})
    with pytest.raises(Reverted, match="the world said no") as caught:
        run(world, journal)
    assert caught.value.exit_code is ExitCode.REVERTED
    assert caught.value.faults[0].hint == "ask again"
    assert world.words == []
    assert world.reverted == [step.word for step in reversed(PLAN.steps[: position + 1])]
    assert events(journal)[-1] == "reverted"
    assert is_over(journal)


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize(
    ("trouble", "raised"), [(interrupt, KeyboardInterrupt), (stumble, ZeroDivisionError)]
)
def test_an_interrupt_or_a_bug_at_any_step_puts_everything_back_and_passes_on(
    journal: Journal, position: int, trouble: Callable[[], None], raised: type[BaseException]
) -> None:
    world = World({f"perform {PLAN.steps[position].word}": trouble})
    with pytest.raises(raised):
        run(world, journal)
    assert world.words == []
    assert is_over(journal)


@pytest.mark.parametrize("trouble", [fail, interrupt])
@pytest.mark.parametrize("position", range(3))
def test_what_cannot_be_put_back_needs_attention_and_says_what_to_run(
    journal: Journal, position: int, trouble: Callable[[], None]
) -> None:
    word = PLAN.steps[position].word
    world = World({"perform d": fail, f"revert {word}": trouble})
    with pytest.raises(NeedsAttention) as caught:
        run(world, journal)
    assert caught.value.exit_code is ExitCode.ATTENTION
    first, last = caught.value.faults
    assert first.message == "the world said no"
    assert f"put {word}" in last.message
    assert last.hint == GO_ON
    assert world.words == [step.word for step in PLAN.steps[: position + 1]]
    assert events(journal)[-1] == "stuck"
    assert not is_over(journal)


def test_an_interrupt_that_cannot_be_put_back_needs_attention(journal: Journal) -> None:
    with pytest.raises(NeedsAttention):
        run(World({"perform c": interrupt, "revert b": fail}), journal)


def test_an_empty_plan_is_finished_at_once(journal: Journal) -> None:
    nothing: Plan[Put] = Plan("paint", "nothing", ())
    execute(nothing, World(), journal, go_on=GO_ON)
    assert events(journal) == ["started", "finished"]


@dataclass(slots=True)
class Together(World):
    """Every step waits until all of its stage are there, or one has failed."""

    met: threading.Barrier = field(default_factory=lambda: threading.Barrier(3))

    def perform(self, step: Put) -> None:
        World.perform(self, step)
        self.met.wait(10)

    def halt(self) -> None:
        World.halt(self)
        self.met.abort()


SIDE_BY_SIDE = Plan("paint", "the fence", (Stage(tuple(Put(word) for word in ("a", "b", "c")), 3),))


def test_steps_of_a_stage_are_performed_side_by_side(journal: Journal) -> None:
    world = Together()
    execute(SIDE_BY_SIDE, world, journal, go_on=GO_ON)
    assert sorted(world.words) == ["a", "b", "c"]
    assert not world.halted
    assert events(journal) == ["started", "stage", *["intent"] * 3, *["done"] * 3, "stage done", "finished"]


@pytest.mark.parametrize(("trouble", "raised"), [(fail, Reverted), (interrupt, KeyboardInterrupt)])
def test_when_one_of_them_fails_the_others_are_halted_and_all_are_put_back(
    journal: Journal, trouble: Callable[[], None], raised: type[BaseException]
) -> None:
    world = Together({"perform b": trouble})
    with pytest.raises(raised):
        execute(SIDE_BY_SIDE, world, journal, go_on=GO_ON)
    assert world.halted
    assert world.words == []
    assert is_over(journal)


@contextmanager
def disk_with_room_for(size: int) -> Generator[None]:
    """No file grows beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("room", range(0, 300, 37))
def test_a_journal_that_cannot_be_written_is_a_failure_like_any_other(journal: Journal, room: int) -> None:
    world = World()
    with (
        pytest.raises(Reverted, match="cannot be written") as caught,
        disk_with_room_for(journal.file.stat().st_size + room),
    ):
        run(world, journal)
    assert "make room" in caught.value.faults[0].hint
    assert world.words == []
    journal.write("reverted")
    assert is_over(journal)  # a line torn by the full disk has not swallowed it
