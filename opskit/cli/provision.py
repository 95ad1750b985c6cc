"""`opskit provision`."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.errors import ExitCode, Refused
from opskit.provision.run import Done, Survey, survey
from opskit.provision.run import provision as execute
from opskit.provision.steps import Step
from opskit.runs.lock import exclusive
from opskit.runs.plan import JsonValue, Plan


@click.command()
@click.option("--plan", "plan_only", is_flag=True, help="Print what would be done and why, and do nothing.")
@click.option(
    "--check", is_flag=True, help="The same as --plan, for monitoring: exit 3 names what has drifted."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def provision(invocation: Invocation, *, plan_only: bool, check: bool, yes: bool) -> Outcome:
    """Make this host what the configuration says.

    Packages, cluster, settings, roles, databases, grants, access rules, passwords, the application's .env and
    services: what is as it shall be is left alone, so that a second run changes nothing.
    """
    loaded = invocation.configuration()
    if plan_only or check:
        return _planned(survey(loaded.configuration).plan)
    with exclusive(loaded.state_dir(), "provision"), shown(invocation.progress) as progress:
        found = survey(loaded.configuration)
        if found.plan.steps and not yes:
            _ask(found)
        return _done(execute(found, loaded.state_dir(), progress))


def _planned(plan: Plan[Step]) -> Outcome:
    code = ExitCode.DIFFERENCES if plan.steps else ExitCode.DONE
    return Outcome("\n".join(_lines(plan, "to do")), {"plan": _as_json(plan)}, code, warnings=plan.told)


def _done(done: Done) -> Outcome:
    result: dict[str, JsonValue] = {
        "plan": _as_json(done.plan),
        "interrupted_runs": [run.run for run in done.killed],
    }
    killed = tuple(f"run {run.run} was interrupted; what it had left is done now" for run in done.killed)
    text = "\n".join(_lines(done.plan, "done"))
    return Outcome(text, result, changed=done.changed, warnings=(*killed, *done.plan.told))


def _as_json(plan: Plan[Step]) -> Mapping[str, JsonValue]:
    """The plan, each step with its reasons also where they are drawn from its other fields."""
    document = plan.to_json()
    steps = cast("Sequence[Mapping[str, JsonValue]]", document["steps"])
    explained = [{**one, "why": step.why} for one, step in zip(steps, plan.steps, strict=True)]
    return {**document, "steps": explained}


def _lines(plan: Plan[Step], what: str) -> Iterator[str]:
    """Each step with all its reasons: each setting, each item that has drifted."""
    if not plan.steps:
        yield "nothing to do: this host is as the configuration says"
        return
    yield f"{what}, {len(plan.steps)} steps:"
    for number, step in enumerate(plan.steps, 1):
        yield f"{number:4}. {step.title}"
        yield from (f"        {reason}" for reason in step.why)


def _ask(found: Survey) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused.of(
            "not_confirmed",
            f"{len(found.plan.steps)} steps are to be done, and nobody is there to confirm them",
            hint="look at them with --plan, then run again with --yes",
        )
    for line in _lines(found.plan, "to do"):
        click.echo(line, err=True)
    for sentence in found.plan.told:
        click.echo(f"note: {sentence}", err=True)
    click.confirm(f"Do these {len(found.plan.steps)} steps?", default=True, abort=True, err=True)
