"""`opskit top`."""

import sys
from contextlib import suppress

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.config import Configuration
from opskit.errors import ConfigurationError, ExitCode
from opskit.runs.plan import to_json
from opskit.top.eyes import eyes
from opskit.top.layout import ENDLESS, lines
from opskit.top.ranking import Sort


@click.command()
@click.option(
    "--database", "names", multiple=True, metavar="NAME", help="Only this database of the configuration."
)
@click.option(
    "--once", is_flag=True, help="Print what there is, and end; so it does where there is no terminal."
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Look so often.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many statements of a database to show.",
)
@click.option(
    "--sort",
    type=click.Choice([one.value for one in Sort]),
    default=Sort.TIME.value,
    show_default=True,
    help="What makes a statement costly: all its time, its calls, the mean time of a call, or its rows.",
)
@common_options
def top(
    invocation: Invocation, *, names: tuple[str, ...], once: bool, interval: float, limit: int, sort: str
) -> Outcome | None:
    """Show which statements cost most, who blocks whom, and who holds a SQLite file's lock.

    Statements come with their text, in which whatever stands in quotes is left out. They count since their
    statistics began, and while this runs since the last look. Keys: q quits, s sorts by something else.

    It logs in as the exporter does (exporter.user); root may on a host that opskit has provisioned.
    """
    configuration = invocation.configuration().configuration
    chosen = _chosen(configuration, names)
    live = not once and invocation.output == "text" and sys.stdin.isatty() and sys.stdout.isatty()
    with eyes(configuration, chosen) as opened:
        if live:
            from opskit.top.screen import watch

            with suppress(KeyboardInterrupt):  # as good a way to leave as q
                watch(opened, Sort(sort), limit, interval)
            return None
        for one in opened:
            one.look()
        views = [one.view(Sort(sort), limit) for one in opened]
    code = ExitCode.FAILED if any(view.failure for view in views) else ExitCode.DONE
    return Outcome("\n".join(lines(views, Sort(sort), ENDLESS)).rstrip(), {"databases": to_json(views)}, code)


def _chosen(configuration: Configuration, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in configuration.databases:
            raise ConfigurationError.of(
                "unknown_database",
                f"the configuration names no database {name!r}",
                hint=f"use one of: {', '.join(sorted(configuration.databases))}",
                where=name,
            )
    return names or tuple(configuration.databases)
