"""`opskit exporter`."""

import click

from opskit.cli.command import Invocation, common_options
from opskit.exporter.lean import without_openssl


@click.command()
@click.option(
    "--listen",
    metavar="ADDR:PORT|fd",
    help="Where to serve; 127.0.0.1:9188 unless configured. fd is the socket that systemd hands over.",
)
@common_options
def exporter(invocation: Invocation, *, listen: str | None) -> int:
    """Serve health and query metrics of both databases to Prometheus, and a status page.

    Runs until SIGTERM or Ctrl-C; SIGHUP reads the configuration again. Databases may be down: that is what it
    reports.
    """
    if invocation.configuration().configuration.exporter.web_config is None:
        without_openssl()
    from opskit.exporter.daemon import run_exporter  # brings asyncio

    return run_exporter(invocation.configuration, listen)
