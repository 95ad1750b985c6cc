"""What planning one part of a host comes to."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from opskit.errors import Fault
from opskit.runs.plan import Step


class Explained(Step, Protocol):
    """A step that says why it is there."""

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing or has drifted, one item each: “role x may log in: is no, shall be yes”."""
        ...


S_co = TypeVar("S_co", bound=Explained, covariant=True)


@dataclass(frozen=True, slots=True)
class Decided(Generic[S_co]):
    """The steps of one part, in order.

    Attributes:
        told: what is otherwise than wanted and no step of ours changes, one sentence each.
        faults: why nothing at all may be done.
    """

    steps: tuple[S_co, ...] = ()
    told: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
