"""Executes a plan: journal, perform, and on failure walk back in reverse."""

from typing import Protocol, TypeVar

from opskit.errors import Fault, NeedsAttention, OpskitError, Reverted
from opskit.runs.journal import Journal
from opskit.runs.plan import Plan, Step

S_contra = TypeVar("S_contra", bound=Step, contravariant=True)
S = TypeVar("S", bound=Step)


class Effects(Protocol[S_contra]):
    """What the steps of one capability do to the world."""

    def perform(self, step: S_contra, /) -> None:
        """Makes it so.

        Raises:
            OpskitError: it could not be done.
        """
        ...

    def revert(self, step: S_contra, /) -> None:
        """Puts it back, also when the step was performed only in part or not at all.

        Raises:
            OpskitError: it could not be put back.
        """
        ...


def execute(plan: Plan[S], effects: Effects[S], journal: Journal, *, go_on: str) -> None:
    """Performs the steps in order.

    Args:
        go_on: what the operator runs when a failure could not be undone.

    Raises:
        Reverted: a step failed and everything was put back.
        NeedsAttention: a step failed, and so did putting back.
    """
    begun: list[S] = []
    try:
        for step in plan.steps:
            journal.write("intent", step=step.title)
            begun.append(step)
            effects.perform(step)
            journal.write("done", step=step.title)
    except OpskitError as error:
        _walk_back(begun, effects, journal, error.faults, go_on)
        raise Reverted(*error.faults) from error
    except BaseException:  # interrupted, or a bug of ours: put back all the same, then let it pass
        _walk_back(begun, effects, journal, (), go_on)
        raise
    journal.write("finished")


def _walk_back(
    begun: list[S], effects: Effects[S], journal: Journal, faults: tuple[Fault, ...], go_on: str
) -> None:
    for step in reversed(begun):
        try:
            effects.revert(step)
        except (OpskitError, KeyboardInterrupt) as error:  # a second Ctrl-C leaves things half put back
            journal.write("stuck", step=step.title)
            reason = str(error) or "interrupted"
            put_back = Fault(
                "not_put_back", f"could not put back “{step.title}”: {reason}", go_on, step.title
            )
            raise NeedsAttention(*faults, put_back) from error
    journal.write("reverted", faults=[fault.message for fault in faults])
