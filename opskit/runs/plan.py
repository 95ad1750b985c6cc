"""A plan: the frozen steps that `--plan` prints and that are then executed, one and the same object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Generic, Protocol, TypeVar, cast

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


class Step(Protocol):
    """One step in neutral terms: a frozen dataclass that can say itself in a line."""

    @property
    def title(self) -> str:
        """The step as one line for the operator, without secrets."""
        ...


S = TypeVar("S", bound=Step)


@dataclass(frozen=True, slots=True)
class Stage(Generic[S]):
    """Steps that all come after the stage before; `at_once` of them may be performed side by side."""

    steps: tuple[S, ...]
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Plan(Generic[S]):
    """What a command will do to a subject, in order.

    Attributes:
        told: what the operator must know before (names changed, objects left out), one sentence each.
    """

    command: str
    subject: str
    stages: tuple[Stage[S], ...]
    told: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[S, ...]:
        """All steps in the order in which they are begun."""
        return tuple(step for stage in self.stages for step in stage.steps)

    def to_json(self) -> Mapping[str, JsonValue]:
        """The plan as a JSON object; every step names its kind and its stage, counted from 1."""
        return {
            "command": self.command,
            "subject": self.subject,
            "steps": [
                {"title": step.title, "kind": type(step).__name__, "stage": number, **_object(step)}
                for number, stage in enumerate(self.stages, 1)
                for step in stage.steps
            ],
            "told": list(self.told),
        }

    def to_text(self) -> str:
        """The plan as numbered lines; what is done side by side says so."""
        lines = [f"{self.command} {self.subject}: {len(self.steps)} steps"]
        number = 0
        for stage in self.stages:
            beside = f"  ({stage.at_once} at once)" if stage.at_once > 1 and len(stage.steps) > 1 else ""
            for step in stage.steps:
                number += 1
                lines.append(f"{number:4}. {step.title}{beside}")
        return "\n".join([*lines, *(f"  note: {line}" for line in self.told)])


def to_json(value: object) -> JsonValue:
    """A frozen value (dataclass, enum, path, moment, tuple, mapping) as JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Enum):
        return to_json(cast("object", value.value))
    if isinstance(value, Path | datetime):
        return value.isoformat() if isinstance(value, datetime) else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if is_dataclass(value):
        return _object(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(one) for key, one in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence):
        return [to_json(one) for one in cast("Sequence[object]", value)]
    if isinstance(value, frozenset | set):  # in one order at every run
        return sorted((to_json(one) for one in cast("frozenset[object]", value)), key=str)
    raise TypeError(type(value))


def _object(value: object) -> dict[str, JsonValue]:
    return {
        item.name: to_json(getattr(value, item.name))
        for item in fields(value)  # pyright: ignore[reportArgumentType]  is_dataclass narrows to no usable type
        if item.repr
    }
