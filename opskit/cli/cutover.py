"""`opskit cutover`."""

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.confirm import typed
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.errors import ConfigurationError, ExitCode
from opskit.runs.lock import exclusive
from opskit.runs.plan import JsonValue, Plan, to_json
from opskit.switch.plan import CUTOVER
from opskit.switch.run import Done, abort, resume, survey_cutover, switch
from opskit.switch.steps import Step
from opskit.switch.way_back import Compared


@click.command()
@click.option("--plan", "plan_only", is_flag=True, help="Print the plan and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--resume", "resumed", is_flag=True, help="Continue a cutover that was interrupted.")
@click.option("--abort", "aborted", is_flag=True, help="Put back what an interrupted cutover has done.")
@common_options
def cutover(invocation: Invocation, *, plan_only: bool, yes: bool, resumed: bool, aborted: bool) -> Outcome:
    """Move the application from SQLite to PostgreSQL.

    All databases at once: the way back is armed, SQLite fenced, the last changes are taken over and proven,
    and the application is started on PostgreSQL. Until that is opened, a failure puts everything back.
    """
    exclude(resumed, aborted, plan_only)
    loaded = invocation.configuration()
    configuration, state_dir = loaded.configuration, loaded.state_dir()
    if plan_only:
        return planned(survey_cutover(configuration, state_dir).plan)
    with exclusive(state_dir, CUTOVER), shown(invocation.progress) as progress:
        found = survey_cutover(configuration, state_dir, resumed=resumed or aborted)
        if aborted:
            abort(found, progress)
            return Outcome("put back: SQLite is authoritative", changed=True)
        if not (yes or resumed):
            typed(found.plan, found.plan.subject, "the names of the databases")
        return told((resume if resumed else switch)(found, progress), "the application runs on PostgreSQL")


def exclude(resumed: bool, aborted: bool, other: bool) -> None:
    """Refuses options that say different things.

    Raises:
        ConfigurationError: more than one is given.
    """
    if resumed + aborted + other > 1:
        raise ConfigurationError.of("usage", "of --resume, --abort and the other modes, one is possible")


def planned(plan: Plan[Step]) -> Outcome:
    """A plan that is not performed."""
    return Outcome(plan.to_text(), {"plan": plan.to_json()}, ExitCode.DIFFERENCES)


def told(done: Done, text: str) -> Outcome:
    """A plan that was performed, how long nobody could write, and what was compared when."""
    pause, away = round(done.pause, 3), round(done.away, 3)
    times = f"writes paused for {pause:.2f} s; with the application's stop and start {away:.2f} s"
    result: dict[str, JsonValue] = {
        "plan": done.plan.to_json(),
        "pause_seconds": pause,
        "away_seconds": away,
        "seconds": {title: round(took, 3) for title, took in done.seconds.items()},
        "compared": {name: to_json(one) for name, one in done.compared.items()},
    }
    lines = [f"{text}; {times}" if away else text]
    lines += (f"{name}: {_compared(one)}" for name, one in done.compared.items())
    return Outcome("\n".join(lines), result, changed=True)


def _compared(one: Compared) -> str:
    also = f", and {', '.join(one.whole)} whole" if one.whole else ""
    return f"every row compared since {one.beside}, beside the application; in the pause what changed{also}"
