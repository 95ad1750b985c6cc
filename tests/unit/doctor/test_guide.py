"""docs/doctor.md says of every trouble what the catalogue says, and of no other."""

import re
from pathlib import Path

import pytest

from opskit.doctor.catalogue import TROUBLES, Trouble

GUIDE = (Path(__file__).parents[3] / "docs/doctor.md").read_text(encoding="utf-8")


def section(trouble: Trouble) -> str:
    """A trouble as the guide has it."""
    remedy = re.sub(r"\{(\w+)\}", lambda word: word[1].upper(), trouble.remedy)
    mended = f"no: {trouble.left}" if trouble.left else "yes"
    return f"""\
### {trouble.code}

- looks like: {trouble.looks}
- why: {trouble.why}
- remedy: `{remedy}`
- `--fix`: {mended}
"""


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_the_guide_has_a_section_for_every_trouble(trouble: Trouble) -> None:
    assert section(trouble) in GUIDE


def test_the_guide_has_no_other_troubles() -> None:
    assert re.findall(r"^### (\w+)$", GUIDE, re.MULTILINE) == list(TROUBLES)


def test_every_trouble_says_what_it_looks_like_and_why() -> None:
    for trouble in TROUBLES.values():
        assert trouble.looks
        assert trouble.why
        assert trouble.remedy
