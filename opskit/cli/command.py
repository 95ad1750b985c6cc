"""What every command shares: its common options, as one value handed to the command."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import TypeVar, cast

import click

from opskit.cli.logs import configure_logging
from opskit.config import Loaded, load, locate
from opskit.errors import ConfigurationError

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Invocation:
    """The common options of one call."""

    config_file: Path | None
    output: str
    progress: str

    def configuration(self) -> Loaded:
        """The configuration that applies.

        Raises:
            ConfigurationError: there is none, or it has faults.
        """
        file = locate(self.config_file)
        if file is None:
            raise ConfigurationError.of(
                "no_configuration",
                "no configuration by --config, $OPSKIT_CONFIG, ./opskit.yaml or /etc/opskit/opskit.yaml",
                hint="write opskit.yaml (docs/configuration.md), or name SOURCE and TARGET",
            )
        return load(file)


def common_options(function: Callable[..., R]) -> Callable[..., R]:
    """Adds the common options to a command and hands them over as an Invocation, its first argument."""

    def invoke(**options: object) -> R:
        level = (
            logging.ERROR
            if options.pop("quiet")
            else logging.DEBUG
            if options.pop("verbose")
            else logging.INFO
        )
        options.pop("verbose", None)
        configure_logging(level, str(options.pop("log_format")))
        invocation = Invocation(
            cast("Path | None", options.pop("config_file")),
            str(options.pop("output")),
            str(options.pop("progress")),
        )
        return function(invocation, **options)

    return _with_options(update_wrapper(invoke, function))


def _with_options(function: Callable[..., R]) -> Callable[..., R]:
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--config", "config_file", type=file, metavar="FILE", help="The configuration file."),
        click.option(
            "-o",
            "--output",
            type=click.Choice(["text", "json"]),
            default="text",
            help="How to print the result.",
        ),
        click.option(
            "--progress",
            type=click.Choice(["auto", "plain", "json", "none"]),
            default="auto",
            help="How to show progress on stderr; auto is bars on a terminal.",
        ),
        click.option("-v", "--verbose", count=True, help="Log more."),
        click.option("-q", "--quiet", is_flag=True, help="Log errors only."),
        click.option(
            "--log-format", type=click.Choice(["text", "json"]), default="text", help="How to log on stderr."
        ),
    ):
        function = option(function)
    return function
