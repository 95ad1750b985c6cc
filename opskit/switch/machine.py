"""The state machine of a switch: forward until the point, back before it, and after it only forward.

A kill leaves a run that `--resume` continues and `--abort` walks back. Both ask the world what is so already;
the journal says only which steps may have been begun.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from opskit.errors import Fault, NeedsAttention, OpskitError, Refused, Reverted
from opskit.runs.journal import Journal, JournalFailed, UnfinishedRun
from opskit.runs.plan import Plan
from opskit.switch.steps import POINTS, Step


class Effects(Protocol):
    """What the steps do to the world."""

    def is_so(self, step: Step) -> bool:
        """Is what the step does done already? False where only doing it again tells.

        Raises:
            OpskitError: it cannot be seen.
        """
        ...

    def perform(self, step: Step) -> None:
        """Makes it so.

        Raises:
            OpskitError: it could not be done.
        """
        ...

    def revert(self, step: Step) -> None:
        """Puts it back, also when it was performed only in part or not at all.

        Raises:
            OpskitError: it could not be put back.
        """
        ...


def point_of(plan: Plan[Step]) -> int:
    """How many steps stand before the point."""
    return next((at for at, one in enumerate(plan.steps) if isinstance(one, POINTS)), len(plan.steps))


def has_passed(plan: Plan[Step], effects: Effects, begun: Collection[str]) -> bool:
    """May the new side hold writes already? Not before the journal has the intent of a step that opens it.

    Args:
        begun: titles of steps that this run and killed ones have begun.

    Raises:
        OpskitError: it cannot be seen.
    """
    points = [one for one in plan.steps if isinstance(one, POINTS)]
    return any(one.title in begun for one in points) and any(effects.is_so(one) for one in points)


def forward(
    plan: Plan[Step], effects: Effects, journal: Journal, before: Collection[str] = (), *, begin: int = 0
) -> Mapping[str, float]:
    """Performs the steps; returns how many seconds each took, by its title.

    Args:
        before: titles of steps that earlier runs have begun.
        begin: how many steps are passed over, because they are done for good.

    Raises:
        Reverted: a step before the point failed, and everything was put back.
        NeedsAttention: one after it did, or putting back.
    """
    begun, took = set(before), dict[str, float]()
    try:
        for step in plan.steps[begin:]:
            started = time.monotonic()
            begun.add(step.title)
            journal.write("intent", step=step.title)
            if not effects.is_so(step):
                effects.perform(step)
            journal.write("done", step=step.title)
            took[step.title] = time.monotonic() - started
    except OpskitError as error:
        _go_back_or_stop(plan, effects, journal, begun, error.faults)
        raise Reverted(*error.faults) from error
    except BaseException as error:  # interrupted, or a bug of ours: put back if that is possible
        _go_back_or_stop(plan, effects, journal, begun, _faults(error))
        raise
    journal.write("finished")
    return took


def backward(plan: Plan[Step], effects: Effects, journal: Journal, before: Collection[str]) -> None:
    """Puts back what killed runs have begun.

    Raises:
        Refused: they have passed the point.
        NeedsAttention: something cannot be put back.
    """
    if has_passed(plan, effects, before):
        raise Refused.of(
            "point_passed",
            f"this {plan.command} has passed the point: the new side may hold new writes",
            hint=_ways_on(plan.command),
            where=plan.subject,
        )
    _walk_back(plan, effects, journal, before, ())


def begun_in(runs: Iterable[UnfinishedRun]) -> frozenset[str]:
    """The titles of all steps that some runs have begun."""
    return frozenset(title for run in runs for title in run.begun)


def _go_back_or_stop(
    plan: Plan[Step],
    effects: Effects,
    journal: Journal,
    begun: Collection[str],
    faults: tuple[Fault, ...],
) -> None:
    """Walks back, unless the point is passed, or nobody can tell whether it is."""
    try:
        passed = has_passed(plan, effects, begun)
    except OpskitError as error:
        _last_word(journal, "stuck")
        message = f"whether the point is passed cannot be seen: {error}"
        hint = f"opskit {plan.command} --resume, when that is mended"
        raise NeedsAttention(*faults, Fault("point_unknown", message, hint)) from error
    if passed:
        _last_word(journal, "stuck")
        ahead = Fault("point_passed", f"{plan.command} has passed the point", _ways_on(plan.command))
        raise NeedsAttention(*faults, ahead)
    _walk_back(plan, effects, journal, begun, faults)


def _walk_back(
    plan: Plan[Step],
    effects: Effects,
    journal: Journal,
    begun: Collection[str],
    faults: tuple[Fault, ...],
) -> None:
    for step in reversed([one for one in plan.steps if one.title in begun]):
        try:
            effects.revert(step)
        except (OpskitError, KeyboardInterrupt) as error:  # a second Ctrl-C leaves things half put back
            _last_word(journal, "stuck", step=step.title)
            reason = str(error) or "interrupted"
            hint = f"opskit {plan.command} --abort goes on putting back, --resume goes forward"
            put_back = Fault("not_put_back", f"could not put back “{step.title}”: {reason}", hint, step.title)
            raise NeedsAttention(*faults, put_back) from error
    _last_word(journal, "reverted", faults=[fault.message for fault in faults])


def _ways_on(command: str) -> str:
    others = ", opskit rollback goes back to SQLite" if command == "cutover" else ""
    return f"opskit {command} --resume goes on{others}"


def _faults(error: BaseException) -> tuple[Fault, ...]:
    return (Fault("interrupted", str(error) or type(error).__name__),)


def _last_word(journal: Journal, event: str, **details: str | list[str]) -> None:
    """Writes it where the disk allows; without it, the next run takes this one for killed."""
    with suppress(JournalFailed):
        journal.write(event, **details)
