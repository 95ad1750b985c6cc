"""`opskit rollback`."""

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.confirm import typed
from opskit.cli.cutover import exclude, planned, told
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.config import Engine
from opskit.runs.lock import exclusive
from opskit.runs.plan import to_json
from opskit.switch.environment import environment_engine
from opskit.switch.plan import ROLLBACK
from opskit.switch.rehearse import nothing_to_rehearse, rehearse
from opskit.switch.run import abort, resume, survey_rollback, switch
from opskit.switch.sides import sides


@click.command()
@click.option("--plan", "plan_only", is_flag=True, help="Print the plan and do nothing.")
@click.option("--rehearse", "rehearsed", is_flag=True, help="Do it into scratch files, and tell the time.")
@click.option("--yes", is_flag=True, help="Do not ask, not even when PostgreSQL is down.")
@click.option("--resume", "resumed", is_flag=True, help="Continue a rollback that was interrupted.")
@click.option("--abort", "aborted", is_flag=True, help="Put back what an interrupted rollback has done.")
@common_options
def rollback(
    invocation: Invocation, *, plan_only: bool, rehearsed: bool, yes: bool, resumed: bool, aborted: bool
) -> Outcome:
    """Bring the application back to SQLite, with every write since the cutover.

    When PostgreSQL does not answer, the files are taken as they are; the plan says of which moment that is.
    """
    exclude(resumed, aborted, plan_only or rehearsed)
    loaded = invocation.configuration()
    configuration, state_dir = loaded.configuration, loaded.state_dir()
    if rehearsed:
        return _rehearsed(invocation)
    if plan_only:
        return planned(survey_rollback(configuration, state_dir).plan)
    with exclusive(state_dir, ROLLBACK), shown(invocation.progress) as progress:
        found = survey_rollback(configuration, state_dir, resumed=resumed or aborted)
        if aborted:
            abort(found, progress)
            return Outcome("put back: PostgreSQL is authoritative", changed=True)
        if not (yes or resumed):
            typed(found.plan, found.plan.subject, "the names of the databases")
        return told((resume if resumed else switch)(found, progress), "the application runs on SQLite")


def _rehearsed(invocation: Invocation) -> Outcome:
    loaded = invocation.configuration()
    configuration, state_dir = loaded.configuration, loaded.state_dir()
    if environment_engine(configuration) is Engine.SQLITE:
        nothing_to_rehearse(state_dir)
        return Outcome("nothing to rehearse: the application runs on SQLite", {"databases": []})
    found = rehearse(tuple(sides(configuration, state_dir)), state_dir)
    lines = [
        f"{one.name}: brought level and compared whole in {one.compare:.1f} s;"
        f" a rollback would stop writes for {one.pause:.1f} s beside the last changes"
        for one in found
    ]
    return Outcome("\n".join(lines), {"databases": to_json(found)})
