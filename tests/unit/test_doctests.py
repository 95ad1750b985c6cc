"""The examples in opskit's docstrings are true."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import opskit

ROOT = Path(opskit.__file__).parent
WITH_EXAMPLES = sorted(
    ".".join(("opskit", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for file in ROOT.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


def test_there_are_examples() -> None:
    assert "opskit.schema.names" in WITH_EXAMPLES


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    result = doctest.testmod(import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
