"""The doctor's round: look, conclude, mend what may be mended, look again."""

from dataclasses import dataclass, replace

from opskit.config import Loaded
from opskit.doctor.catalogue import TROUBLES
from opskit.doctor.diagnosis import diagnose
from opskit.doctor.drift import pending
from opskit.doctor.examine import examine
from opskit.doctor.findings import Finding


@dataclass(frozen=True, slots=True)
class Examination:
    """What one look has found.

    Attributes:
        unseen: what could not be looked at, and why, one sentence each.
    """

    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]


def examination(loaded: Loaded) -> Examination:
    """One look at everything; nothing is changed."""
    facts, items = examine(loaded), pending(loaded.configuration)
    if isinstance(items, str):
        facts = replace(facts, unseen=(*facts.unseen, items))
    else:
        facts = replace(facts, drift=items)
    return Examination(diagnose(facts), facts.unseen)


def left_to_operator(finding: Finding) -> str:
    """Why `--fix` does not mend it; empty when it does."""
    return "" if finding.fixable else TROUBLES[finding.code].left
