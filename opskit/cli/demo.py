"""`opskit demo`."""

import time

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.cli.progress import shown
from opskit.demo.story import story
from opskit.demo.summary import to_json, to_text


@click.command()
@click.option("--rows", default=50_000, show_default=True, help="Rows of both databases together.")
@click.option(
    "--exit", "leave", is_flag=True, help="End when the story is told, instead of serving until Ctrl-C."
)
@common_options
def demo(invocation: Invocation, *, rows: int, leave: bool) -> Outcome:
    """The whole story on sample databases in a scratch directory with a private PostgreSQL.

    Sample data, provision, migrate, verify, exporter, and a summary. Nothing is left behind.
    """
    with shown(invocation.progress) as progress, story(rows, progress) as told:
        outcome = Outcome(to_text(told), to_json(told))
        if not leave:
            _serve(to_text(told), f"http://{told.address}/")
            outcome = Outcome("Stopped; nothing is left behind.", to_json(told))
    return outcome


def _serve(text: str, address: str) -> None:
    """Keeps databases and exporter alive until the operator has seen enough."""
    try:  # from here on Ctrl-C is the good end, also when it comes before the last words are out
        click.echo(text)
        click.echo(f"\nServing {address} until Ctrl-C.", err=True)
        while True:  # pause() could be entered just after the signal, and would then wait for another
            time.sleep(1)
    except KeyboardInterrupt:
        click.echo("", err=True)
