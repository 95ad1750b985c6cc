"""Executes a plan: journal, perform, and on failure walk back in reverse."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import Protocol, TypeVar

from opskit.errors import Fault, NeedsAttention, OpskitError, Reverted
from opskit.runs.journal import Journal, JournalFailed
from opskit.runs.plan import JsonValue, Plan, Stage, Step

S_contra = TypeVar("S_contra", bound=Step, contravariant=True)
S = TypeVar("S", bound=Step)

Found = Mapping[str, JsonValue] | None
"""What performing a step has found out that a later run needs to know, None for nothing."""


class Effects(Protocol[S_contra]):
    """What the steps of one capability do to the world."""

    def perform(self, step: S_contra, /) -> Found:
        """Makes it so. Steps of a stage whose `at_once` is above one are performed from several threads.

        Raises:
            OpskitError: it could not be done.
        """
        ...

    def halt(self) -> None:
        """Makes what is being performed in other threads fail soon, because one step has failed."""
        ...

    def revert(self, step: S_contra, /) -> None:
        """Puts it back, also when the step was performed only in part or not at all.

        Raises:
            OpskitError: it could not be put back.
        """
        ...


def execute(plan: Plan[S], effects: Effects[S], journal: Journal, *, go_on: str) -> None:
    """Performs the stages in order.

    Args:
        go_on: what the operator runs when a failure could not be undone.

    Raises:
        Reverted: a step failed and everything was put back.
        NeedsAttention: a step failed, and so did putting back.
    """
    begun: list[S] = []
    try:
        for stage in plan.stages:
            _perform(stage, effects, journal, begun)
    except OpskitError as error:
        _walk_back(begun, effects, journal, error.faults, go_on)
        raise Reverted(*error.faults) from error
    except BaseException:  # interrupted, or a bug of ours: put back all the same, then let it pass
        _walk_back(begun, effects, journal, (), go_on)
        raise
    journal.write("finished")


def _perform(stage: Stage[S], effects: Effects[S], journal: Journal, begun: list[S]) -> None:
    """The disk has the journal before a stage is begun and after it is done; a single step is a stage."""
    alone = len(stage.steps) == 1
    record = journal.write if alone else journal.note

    def perform(step: S) -> None:
        record("intent", step=step.title)
        begun.append(step)
        found = effects.perform(step)
        record("done", step=step.title, found=found)

    if not alone:
        journal.write("stage", steps=len(stage.steps))
    if stage.at_once == 1:
        for step in stage.steps:
            perform(step)
    else:
        _side_by_side(stage, perform, effects)
    if not alone:
        journal.write("stage done")


def _side_by_side(stage: Stage[S], perform: Callable[[S], None], effects: Effects[S]) -> None:
    with ThreadPoolExecutor(stage.at_once) as threads:
        futures = [threads.submit(perform, step) for step in stage.steps]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            effects.halt()
            raise


def _walk_back(
    begun: list[S], effects: Effects[S], journal: Journal, faults: tuple[Fault, ...], go_on: str
) -> None:
    for step in reversed(begun):
        try:
            effects.revert(step)
        except (OpskitError, KeyboardInterrupt) as error:  # a second Ctrl-C leaves things half put back
            _last_word(journal, "stuck", step=step.title)
            reason = str(error) or "interrupted"
            put_back = Fault(
                "not_put_back", f"could not put back “{step.title}”: {reason}", go_on, step.title
            )
            raise NeedsAttention(*faults, put_back) from error
    _last_word(journal, "reverted", faults=[fault.message for fault in faults])


def _last_word(journal: Journal, event: str, **details: JsonValue) -> None:
    """Writes it where the disk allows; without it, the next run takes this one for killed."""
    with suppress(JournalFailed):
        journal.write(event, **details)
