"""The doctor's round: look, conclude, mend what may be mended, look again."""

from dataclasses import dataclass, replace

from opskit.config import Loaded
from opskit.doctor.catalogue import TROUBLES
from opskit.doctor.diagnosis import diagnose
from opskit.doctor.drift import pending
from opskit.doctor.examine import examine
from opskit.doctor.findings import Finding
from opskit.errors import Refused
from opskit.provision.cluster.planning import CreateCluster, InstallPackages
from opskit.provision.run import provision, survey
from opskit.runs.lock import exclusive
from opskit.runs.progress import Progress


@dataclass(frozen=True, slots=True)
class Examination:
    """What one look has found.

    Attributes:
        unseen: what could not be looked at, and why, one sentence each.
    """

    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A finding that is still there after `--fix`, and why."""

    code: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Treatment:
    """What `--fix` has done.

    Attributes:
        steps: of provision, as their titles.
        healed: what was found before and is not any more.
        left: what is found after it; as in `after`.
    """

    steps: tuple[str, ...]
    healed: tuple[Finding, ...]
    left: tuple[Left, ...]
    after: Examination


def examination(loaded: Loaded) -> Examination:
    """One look at everything; nothing is changed.

    Raises:
        ConfigurationError: the configuration's password cannot be read, or DATABASE_TYPE is neither of two.
        CommandFailed: systemd, or postgresql-common, does not answer.
    """
    facts, items = examine(loaded), pending(loaded.configuration)
    if isinstance(items, str):
        facts = replace(facts, unseen=(*facts.unseen, items))
    else:
        facts = replace(facts, drift=items)
    return Examination(diagnose(facts), facts.unseen)


def treatment(loaded: Loaded, progress: Progress) -> Treatment:
    """Mends what `provision` mends, and looks again.

    Raises:
        Busy: another run holds the state directory.
        Reverted: a step of provision failed, and everything was put back.
        NeedsAttention: it could not be put back.
    """
    before = examination(loaded)
    if not any(finding.fixable for finding in before.findings):
        return Treatment((), (), _left(before, ""), before)
    try:
        steps = _mended(loaded, progress)
    except Refused as refusal:
        return Treatment((), (), _left(before, str(refusal)), before)
    after = examination(loaded)
    there = {(finding.code, finding.where) for finding in after.findings}
    healed = (finding for finding in before.findings if (finding.code, finding.where) not in there)
    return Treatment(steps, tuple(healed), _left(after, "provision has nothing more to do about it"), after)


def _mended(loaded: Loaded, progress: Progress) -> tuple[str, ...]:
    """The titles of the steps that were done.

    Raises:
        Refused: nothing was done.
    """
    with exclusive(loaded.state_dir(), "doctor --fix"):
        found = survey(loaded.configuration)
        large = [step for step in found.plan.steps if isinstance(step, InstallPackages | CreateCluster)]
        if large:
            raise Refused.of(
                "not_safe",
                f"opskit provision would {large[0].title}, which is for you to begin",
                hint="look at it with opskit provision --plan",
            )
        done = provision(found, loaded.state_dir(), progress)
    return tuple(step.title for step in done.plan.steps)


def _left(seen: Examination, otherwise: str) -> tuple[Left, ...]:
    """Each finding with the reason of its kind, or, where provision should have mended it, that reason."""
    return tuple(
        Left(one.code, one.where, otherwise if one.fixable else TROUBLES[one.code].left)
        for one in seen.findings
    )
