"""`opskit status`."""

from datetime import UTC, datetime

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.errors import ExitCode
from opskit.status.authority import judge
from opskit.status.checklist import checklist
from opskit.status.facts import read_all
from opskit.status.page import as_json, as_text


@click.command()
@common_options
def status(invocation: Invocation) -> Outcome:
    """Show everything on one page; exit 3 when something contradicts which side is authoritative.

    For each database: who takes its writes, both sides with fences and sizes, the migration, the way back,
    the last backup and drill; runs that did not come to their end; and what is done of the whole migration,
    with the command for what is not. A server that hangs is given up after some seconds.
    """
    loaded = invocation.configuration()
    facts = read_all(loaded.configuration, loaded.state_dir())
    sides = tuple(one.side for one in facts.databases)
    judged, now = judge(sides, facts.engine, facts.record, facts.runs), datetime.now(UTC)
    items = checklist(facts, judged, now)
    code = ExitCode.DIFFERENCES if judged.problems else ExitCode.DONE
    return Outcome(as_text(facts, judged, items, now), as_json(facts, judged, items), code)
