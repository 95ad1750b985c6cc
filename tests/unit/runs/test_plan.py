"""What `--plan` prints is the object that is executed, said in lines or as JSON, without secrets."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest

from opskit.runs.plan import Plan, Stage, to_json


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Paint:
    colour: Colour
    file: Path
    parts: tuple[str, ...]
    key: str = field(default="hunter2", repr=False)

    @property
    def title(self) -> str:
        return f"paint it {self.colour.value}"


PLAN = Plan(
    "paint", "fence", (Stage((Paint(Colour.RED, Path("/a"), ("b", "c")),)),), ("one board is missing",)
)


def test_a_plan_as_json_names_the_kind_of_every_step() -> None:
    assert PLAN.to_json() == {
        "command": "paint",
        "subject": "fence",
        "steps": [
            {
                "title": "paint it red",
                "kind": "Paint",
                "stage": 1,
                "colour": "red",
                "file": "/a",
                "parts": ["b", "c"],
            }
        ],
        "told": ["one board is missing"],
    }


def test_a_plan_as_text_numbers_its_steps() -> None:
    assert PLAN.to_text() == "paint fence: 1 steps\n   1. paint it red\n  note: one board is missing"


def test_fields_kept_out_of_repr_are_kept_out_of_json() -> None:
    assert "hunter2" not in str(PLAN.to_json())


def test_values_become_json() -> None:
    assert to_json({1: b"\x00\xff", "x": [None, True, 1.5, Path("/p")]}) == {
        "1": "00ff",
        "x": [None, True, 1.5, "/p"],
    }


def test_what_has_no_json_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        to_json(object())
