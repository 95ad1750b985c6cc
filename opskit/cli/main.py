"""The command line's door: which commands there are, and the one place where errors become exit codes."""

import importlib
import itertools
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import cast

import click
from click.shell_completion import CompletionItem

from opskit import __version__
from opskit.cli.output import Outcome, render, render_error
from opskit.errors import ConfigurationError, ExitCode, Fault, OpskitError

COMMANDS = {
    "init": ("opskit.cli.init:init", "Write a configuration from what is found."),
    "config": ("opskit.cli.config:config", "Check or show the configuration."),
    "provision": ("opskit.cli.provision:provision", "Make this host what the configuration says."),
    "migrate": ("opskit.cli.migrate:migrate", "Move databases from SQLite to PostgreSQL, proven complete."),
    "verify": ("opskit.cli.verify:verify", "Compare both engines' content, row by row."),
    "doctor": ("opskit.cli.doctor:doctor", "Name what is wrong with the databases, and the remedy."),
    "backup": ("opskit.cli.backup:backup", "Make, check, restore and prune backups of the databases."),
    "cutover": ("opskit.cli.cutover:cutover", "Move the application to PostgreSQL, with a way back."),
    "rollback": ("opskit.cli.rollback:rollback", "Bring the application back to SQLite, nothing lost."),
    "status": ("opskit.cli.status:status", "Which side is authoritative, and what contradicts that."),
    "standby": ("opskit.cli.standby:standby", "The SQLite side that follows while the way back is open."),
    "exporter": ("opskit.cli.exporter:exporter", "Serve health and query metrics to Prometheus."),
    "top": ("opskit.cli.top:top", "Which statements cost most, and who blocks whom."),
    "demo": ("opskit.cli.demo:demo", "The whole story on sample databases and a private PostgreSQL."),
}
"""Command → where it is and what it does; help is answered from here, without importing the commands."""


class LazyGroup(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """All commands in the order of a migration."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        return cast("click.Command", getattr(importlib.import_module(module), attribute))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so."""
        commands = [
            CompletionItem(name, help=text)
            for name, (_, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """The table of commands from COMMANDS."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="opskit")
def opskit() -> None:
    """Move an application off SQLite onto PostgreSQL, run it there, and come back with nothing lost."""


def main() -> None:
    """The process: exits with the code of docs/cli.md."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], group: click.Command = opskit) -> int:
    """Runs a command line and returns its exit code."""
    as_json = _wants_json(arguments)
    name = next((word for word in arguments if not word.startswith("-")), "opskit")
    signal.signal(signal.SIGTERM, _interrupt)
    # A script's `&` leaves it ignored, which children would inherit; the kernel ends ours by it when we die.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    try:
        outcome = cast("Outcome | int | None", group.main(list(arguments), "opskit", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        fault = Fault(
            "usage", error.format_message(), f"see `opskit {name} --help`" if name in COMMANDS else ""
        )
        return render_error(name, ConfigurationError(fault), as_json=as_json)
    except (KeyboardInterrupt, click.Abort):
        return render_error(name, Interrupted.of("interrupted", "interrupted"), as_json=as_json)
    except OpskitError as error:
        return render_error(name, error, as_json=as_json)
    except Exception as error:  # noqa: BLE001  the outer loop: a bug of ours ends here, with its traceback in a file
        return render_error(name, _bug(error), as_json=as_json)
    return (
        render(name, outcome, as_json=as_json) if isinstance(outcome, Outcome) else outcome or ExitCode.DONE
    )


class Interrupted(OpskitError):
    """The operator interrupted the run."""

    exit_code = ExitCode.INTERRUPTED


class Bug(OpskitError):
    """Something we did not foresee."""

    exit_code = ExitCode.BUG


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wants_json(arguments: Sequence[str]) -> bool:
    """Known before click parses, because a usage error too is answered as JSON."""
    pairs = itertools.pairwise([*arguments, ""])
    return any(
        (word in ("-o", "--output") and value == "json") or word in ("-ojson", "--output=json")
        for word, value in pairs
    )


def _bug(error: Exception) -> Bug:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="opskit-bug-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    return Bug.of(
        "bug",
        f"a bug in opskit: {type(error).__name__}",
        hint=f"please report it with {file.name}",
        where=file.name,
    )
