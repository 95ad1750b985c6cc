"""What the commands of `opskit backup` answer."""

from collections.abc import Sequence
from typing import TypeVar

from opskit.backup.create import Created
from opskit.backup.prune import Pruning
from opskit.backup.records import Looked
from opskit.cli.output import Outcome
from opskit.errors import ExitCode
from opskit.runs.plan import JsonValue, Plan, Step, to_json

S = TypeVar("S", bound=Step)


def created(result: Created) -> Outcome:
    """What was made; nothing made at all is the error itself."""
    lines = [
        f"{one.id}: {len(one.tables)} tables, {one.rows:,} rows, {one.size:,} bytes" for one in result.made
    ]
    faults = [fault for error in result.failures for fault in error.faults]
    if faults and not result.made:
        raise type(result.failures[0])(*faults)
    return Outcome(
        "\n".join(lines),
        {"backups": [one.to_json() for one in result.made], "failed": to_json(faults)},
        ExitCode.FAILED if faults else ExitCode.DONE,
        changed=True,
        warnings=tuple(fault.message for fault in faults),
    )


def looked(results: Sequence[Looked], level: str) -> Outcome:
    """What checks found; nothing checked at all is the error itself."""
    checked = [(one.id, one.check) for one in results if one.check]
    failures = [one.failure for one in results if one.failure]
    faults = [fault for failure in failures for fault in failure.faults]
    if failures and not checked:
        raise type(failures[0])(*faults)
    lines = [f"{one}: {'; '.join(done.problems) or 'sound'} (level {level})" for one, done in checked]
    sound = all(not done.problems for _, done in checked)
    return Outcome(
        "\n".join(lines) or "there are no backups",
        {
            "level": level,
            "backups": [{"id": one, **done.to_json()} for one, done in checked],
            "failed": to_json(faults),
        },
        ExitCode.DIFFERENCES if not sound else ExitCode.FAILED if failures else ExitCode.DONE,
        changed=bool(checked),
        warnings=tuple(fault.message for fault in faults),
    )


def decided(found: Sequence[Pruning], *, plan_only: bool = False) -> Outcome:
    """What is kept and what is dropped, with every reason."""
    decisions = [decision for one in found for decision in one.decisions]
    lines = [f"{'keep' if one.keep else 'drop'}  {one.id}: {', '.join(one.reasons)}" for one in decisions]
    drops = any(one.plan.steps for one in found)
    result: dict[str, JsonValue] = {
        "decisions": to_json(decisions),
        "plans": [one.plan.to_json() for one in found],
    }
    exit_code = ExitCode.DIFFERENCES if drops and plan_only else ExitCode.DONE
    changed = drops and not plan_only
    return Outcome("\n".join(lines) or "there are no backups", result, exit_code, changed=changed)


def planned(plans: Sequence[Plan[S]]) -> Outcome:
    """What would be done."""
    return Outcome(
        "\n".join(plan.to_text() for plan in plans),
        {"plans": [plan.to_json() for plan in plans]},
        ExitCode.DIFFERENCES,
    )
