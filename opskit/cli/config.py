"""`opskit config check` and `opskit config show`."""

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.runs.plan import JsonValue, to_json


@click.group()
def config() -> None:
    """Check or show the configuration."""


@config.command()
@common_options
def check(invocation: Invocation) -> Outcome:
    """Validate the configuration; all faults are reported at once."""
    loaded = invocation.configuration()
    names = list(loaded.configuration.databases)
    return Outcome(
        f"{loaded.file} is valid: databases {', '.join(names)}",
        {"file": str(loaded.file), "databases": names},
    )


@config.command()
@click.option("--origin", is_flag=True, help="Also say where each value comes from.")
@common_options
def show(invocation: Invocation, *, origin: bool) -> Outcome:
    """Show the effective values; secrets are named, never shown."""
    import yaml

    loaded = invocation.configuration()
    values = to_json(loaded.configuration)
    origins: dict[str, JsonValue] = dict(loaded.origins)
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True).rstrip()
    if origin:
        text += "\n\n" + "\n".join(f"{key}: {place}" for key, place in sorted(loaded.origins.items()))
    return Outcome(text, {"configuration": values, "origins": origins if origin else {}})
