"""`opskit doctor`."""

from collections.abc import Iterator

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.doctor.findings import Finding
from opskit.doctor.run import Examination, Treatment, examination, treatment
from opskit.errors import ExitCode
from opskit.runs.plan import JsonValue, to_json


@click.command()
@click.option("--fix", is_flag=True, help="Mend what opskit provision mends safely, then look again.")
@common_options
def doctor(invocation: Invocation, *, fix: bool) -> Outcome:
    """Connect as the application would, and name what is wrong, where, and the one remedy.

    Exits 0 when all is well and 3 when something is wrong. Without --fix nothing is changed.
    """
    loaded = invocation.configuration()
    if not fix:
        seen = examination(loaded)
        return Outcome("\n".join(_findings(seen)), _result(seen), _code(seen))
    with shown(invocation.progress) as progress:
        done = treatment(loaded, progress)
    return Outcome(
        "\n".join(_treated(done)),
        {
            **_result(done.after),
            "steps": list(done.steps),
            "healed": to_json(done.healed),
            "left": to_json(done.left),
        },
        _code(done.after),
        changed=bool(done.steps),
    )


def _code(seen: Examination) -> ExitCode:
    return ExitCode.DIFFERENCES if seen.findings else ExitCode.DONE


def _result(seen: Examination) -> dict[str, JsonValue]:
    return {
        "healthy": not seen.findings,
        "findings": to_json(seen.findings),
        "unseen": list(seen.unseen),
    }


def _findings(seen: Examination) -> Iterator[str]:
    for one in seen.findings:
        yield from _finding(one)
        yield f"  remedy: {one.remedy}"
    if not seen.findings:
        yield "Everything is well."
    yield from (f"not looked at: {sentence}" for sentence in seen.unseen)


def _treated(done: Treatment) -> Iterator[str]:
    yield from (f"done: {title}" for title in done.steps)
    yield from (f"healed: {one.what} ({one.code})" for one in done.healed)
    for one, left in zip(done.after.findings, done.left, strict=True):
        yield from _finding(one)
        yield f"  left to you: {left.reason}"
        yield f"  remedy: {one.remedy}"
    if not done.left:
        yield "Everything is well."
    yield from (f"not looked at: {sentence}" for sentence in done.after.unseen)


def _finding(one: Finding) -> Iterator[str]:
    yield f"{one.severity.value}: {one.what}"
    yield f"  {one.code}{f', database {one.database}' if one.database else ''}, at {one.where}"
