"""`opskit standby run|status|close`."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.confirm import typed
from opskit.cli.output import Outcome
from opskit.config import Engine, engine_in_use
from opskit.errors import ExitCode
from opskit.runs.lock import exclusive
from opskit.runs.plan import to_json
from opskit.runs.standby_state import Phase, State, directory_of, is_open, is_stale, read_state
from opskit.standby.close import COMMAND, close, plan_close, read_remains
from opskit.standby.daemon import run_standby
from opskit.standby.window import windows


@click.group()
def standby() -> None:
    """The SQLite side that follows PostgreSQL while the way back is open.

    While the application runs on PostgreSQL, every committed change comes back into SQLite files, so that a
    rollback loses nothing.
    """


@standby.command()
@common_options
def run(invocation: Invocation) -> int:
    """Follow all databases until SIGTERM or Ctrl-C.

    This is the entry of the service opskit-standby. PostgreSQL may be down meanwhile; while the application
    runs on SQLite it waits.
    """
    loaded = invocation.configuration()
    return run_standby(loaded.configuration, loaded.state_dir())


@standby.command()
@common_options
def status(invocation: Invocation) -> Outcome:
    """Say for each database whether a rollback would lose anything; exit 3 if it would.

    Nothing can be lost while the application runs on SQLite, and a way back that was
    ended on purpose is not missed.
    """
    loaded = invocation.configuration()
    ways = list(windows(loaded.configuration, loaded.state_dir()))
    states = [read_state(one.status, one.database) for one in ways]
    now = datetime.now(UTC)
    stale = [one for one in states if is_stale(one, now)]
    moved = engine_in_use(loaded.configuration) is Engine.POSTGRESQL
    missed = [one for one in states if moved and one.phase is Phase.CLOSED]
    ready = all(one.ready or not is_open(one) for one in states) and not stale and not missed
    return Outcome(
        "\n".join(line for one in states for line in _lines(one, stale=one in stale, missed=one in missed)),
        {
            "ready": ready,
            "databases": [{**one.to_json(), "running": one not in stale} for one in states],
        },
        ExitCode.DONE if ready else ExitCode.DIFFERENCES,
    )


def _lines(state: State, *, stale: bool, missed: bool) -> Iterator[str]:
    if missed:
        yield f"{state.database}: NOT ready: nothing follows PostgreSQL yet; it takes opskit standby run"
        return
    if not is_open(state):
        yield f"{state.database}: {state.phase.value}: {state.why or 'nothing follows'}"
        return
    if stale:
        yield f"{state.database}: NOT ready: opskit standby does not run since {state.written or 'ever'}"
    elif state.ready:
        yield f"{state.database}: ready, {state.lag_seconds} s behind"
    else:
        yield f"{state.database}: NOT ready"
    for reason in state.reasons:
        yield f"  {reason}"
    yield f"  shows {state.at or 'nothing yet'}; {state.why}"
    if state.verified:
        yield f"  compared whole at {state.verified} ({state.whole})"
    if state.retained_bytes is not None:
        left = "without limit" if state.safe_bytes is None else f"{state.safe_bytes:,} more are safe"
        yield f"  the server keeps {state.retained_bytes:,} bytes of log for it, {left}"
    if state.deadline:
        yield f"  the window ends at {state.deadline}"


@standby.command(name="close")
@click.option("--plan", "plan_only", is_flag=True, help="Print what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def close_command(invocation: Invocation, *, plan_only: bool, yes: bool) -> Outcome:
    """End the way back: remove the files that follow, and what PostgreSQL keeps for them.

    Stop the service first: systemctl stop opskit-standby.
    """
    loaded = invocation.configuration()
    ways = list(windows(loaded.configuration, loaded.state_dir()))
    if plan_only:
        steps = plan_close([read_remains(one) for one in ways])
        pending = ExitCode.DIFFERENCES if steps.steps else ExitCode.DONE
        return Outcome(steps.to_text(), {"plan": steps.to_json()}, pending)
    with exclusive(directory_of(loaded.configuration, loaded.state_dir()), COMMAND):
        steps = plan_close([read_remains(one) for one in ways])
        if not steps.steps:
            return Outcome("Nothing is open.", {"steps": []})
        if not yes:
            typed(steps, "close", "the word")
        close(steps, ways)
    text = "\n".join(step.title for step in steps.steps)
    return Outcome(text, {"steps": to_json([step.title for step in steps.steps])}, changed=True)
