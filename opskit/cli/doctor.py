"""`opskit doctor`."""

from collections.abc import Iterator

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.doctor.run import Examination, examination
from opskit.errors import ExitCode
from opskit.runs.plan import to_json


@click.command()
@common_options
def doctor(invocation: Invocation) -> Outcome:
    """Connect as the application would, and name what is wrong, where, and the one remedy.

    Exits 0 when all is well and 3 when something is wrong.
    """
    return _outcome(examination(invocation.configuration()))


def _outcome(seen: Examination) -> Outcome:
    healthy = not seen.findings
    return Outcome(
        "\n".join(_lines(seen)),
        {"healthy": healthy, "findings": to_json(seen.findings), "unseen": list(seen.unseen)},
        ExitCode.DONE if healthy else ExitCode.DIFFERENCES,
    )


def _lines(seen: Examination) -> Iterator[str]:
    for one in seen.findings:
        yield f"{one.severity.value}: {one.what}"
        yield f"  {one.code}{f', database {one.database}' if one.database else ''}, at {one.where}"
        yield f"  remedy: {one.remedy}"
    if not seen.findings:
        yield "Everything is well."
    yield from (f"not looked at: {sentence}" for sentence in seen.unseen)
