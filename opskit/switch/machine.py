"""The state machine of a switch: forward until the point, back before it, and after it only forward.

A kill leaves a run that `--resume` continues and `--abort` walks back. Both ask the world what is so already;
the journal says only which steps may have been begun.
"""

from collections.abc import Collection, Iterable, Sequence
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


def has_passed(plan: Plan[Step], effects: Effects) -> bool:
    """May the new side hold writes already?

    Raises:
        OpskitError: it cannot be seen.
    """
    return any(isinstance(one, POINTS) and effects.is_so(one) for one in plan.steps)


def forward(
    plan: Plan[Step], effects: Effects, journal: Journal, before: Collection[str] = (), *, begin: int = 0
) -> None:
    """Performs the steps.

    Args:
        before: titles of steps that earlier runs have begun.
        begin: how many steps are passed over, because they are done for good.

    Raises:
        Reverted: a step before the point failed, and everything was put back.
        NeedsAttention: one after it did, or putting back.
    """
    begun = [*plan.steps[:begin]]
    try:
        for step in plan.steps[begin:]:
            journal.write("intent", step=step.title)
            begun.append(step)
            if not effects.is_so(step):
                effects.perform(step)
            journal.write("done", step=step.title)
    except OpskitError as error:
        _go_back_or_stop(plan, effects, journal, _begun(plan, begun, before), error.faults, begin=begin)
        raise Reverted(*error.faults) from error
    except BaseException as error:  # interrupted, or a bug of ours: put back if that is possible
        _go_back_or_stop(plan, effects, journal, _begun(plan, begun, before), _faults(error), begin=begin)
        raise
    journal.write("finished")


def backward(plan: Plan[Step], effects: Effects, journal: Journal, before: Collection[str]) -> None:
    """Puts back what killed runs have begun.

    Raises:
        Refused: they have passed the point.
        NeedsAttention: something cannot be put back.
    """
    if has_passed(plan, effects):
        raise Refused.of(
            "point_passed",
            f"this {plan.command} has passed the point: the new side may hold new writes",
            hint=_ways_on(plan.command),
            where=plan.subject,
        )
    _walk_back(plan, effects, journal, [one for one in plan.steps if one.title in before], ())


def begun_in(runs: Iterable[UnfinishedRun]) -> frozenset[str]:
    """The titles of all steps that some runs have begun."""
    return frozenset(title for run in runs for title in run.begun)


def _begun(plan: Plan[Step], begun: Sequence[Step], before: Collection[str]) -> list[Step]:
    return [step for step in plan.steps if step in begun or step.title in before]


def _go_back_or_stop(
    plan: Plan[Step],
    effects: Effects,
    journal: Journal,
    begun: list[Step],
    faults: tuple[Fault, ...],
    *,
    begin: int,
) -> None:
    """Walks back, unless the point is passed, or nobody can tell whether it is."""
    may_have = begin > 0 or any(isinstance(step, POINTS) for step in begun)
    if may_have and _passed(plan, effects, journal, faults):
        _last_word(journal, "stuck", step=begun[-1].title)
        ahead = Fault("point_passed", f"{plan.command} has passed the point", _ways_on(plan.command))
        raise NeedsAttention(*faults, ahead)
    _walk_back(plan, effects, journal, begun, faults)


def _walk_back(
    plan: Plan[Step], effects: Effects, journal: Journal, begun: list[Step], faults: tuple[Fault, ...]
) -> None:
    for step in reversed(begun):
        try:
            effects.revert(step)
        except (OpskitError, KeyboardInterrupt) as error:  # a second Ctrl-C leaves things half put back
            _last_word(journal, "stuck", step=step.title)
            reason = str(error) or "interrupted"
            hint = f"opskit {plan.command} --abort goes on putting back, --resume goes forward"
            put_back = Fault("not_put_back", f"could not put back “{step.title}”: {reason}", hint, step.title)
            raise NeedsAttention(*faults, put_back) from error
    _last_word(journal, "reverted", faults=[fault.message for fault in faults])


def _passed(plan: Plan[Step], effects: Effects, journal: Journal, faults: tuple[Fault, ...]) -> bool:
    try:
        return has_passed(plan, effects)
    except OpskitError as error:
        _last_word(journal, "stuck", step="")
        message = f"whether the point is passed cannot be seen: {error}"
        hint = f"opskit {plan.command} --resume, when that is mended"
        raise NeedsAttention(*faults, Fault("point_unknown", message, hint)) from error


def _ways_on(command: str) -> str:
    others = ", opskit rollback goes back to SQLite" if command == "cutover" else ""
    return f"opskit {command} --resume goes on{others}"


def _faults(error: BaseException) -> tuple[Fault, ...]:
    return (Fault("interrupted", str(error) or type(error).__name__),)


def _last_word(journal: Journal, event: str, **details: str | list[str]) -> None:
    """Writes it where the disk allows; without it, the next run takes this one for killed."""
    with suppress(JournalFailed):
        journal.write(event, **details)
