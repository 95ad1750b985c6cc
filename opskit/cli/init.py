"""`opskit init`."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from opskit.cli.command import Invocation, common_options
from opskit.cli.output import Outcome
from opskit.config.discover import Discovery, discover
from opskit.config.draft import draft, first_user
from opskit.config.load import SYSTEM_FILE
from opskit.errors import ConfigurationError, ExitCode, Refused
from opskit.host.files import write_whole
from opskit.host.systemd import show

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--app-env", type=_FILE, metavar="FILE", help="The application's .env file.")
@click.option("--app-unit", metavar="UNIT", help="The application's systemd unit.")
@click.option("--plan", "plan_only", is_flag=True, help="Print what would be written, and write nothing.")
@common_options
def init(invocation: Invocation, *, app_env: Path | None, app_unit: str | None, plan_only: bool) -> Outcome:
    """Write a configuration from what is found: the application's .env file and SQLite files.

    It goes to --config FILE or $OPSKIT_CONFIG, else to /etc/opskit/opskit.yaml as root and to ./opskit.yaml
    for others. A file that has been edited is never overwritten; the one that an installation brought is.
    """
    target = invocation.config_file or _default_target()
    found = _look(app_env, app_unit)
    text = draft(found.configuration)
    pending = _must_write(target, text)
    if pending and not plan_only:
        _write(target, text)
    return Outcome(
        text.rstrip() if plan_only and pending else _told(target, found, written=pending),
        {
            "file": str(target),
            "databases": {name: str(one.sqlite) for name, one in found.configuration.databases.items()},
            "aside": [str(file) for file in found.aside],
        },
        exit_code=ExitCode.DIFFERENCES if plan_only and pending else ExitCode.DONE,
        changed=pending and not plan_only,
        warnings=tuple(_warnings(found)),
    )


def _default_target() -> Path:
    configured = os.environ.get("OPSKIT_CONFIG")
    if configured:
        return Path(configured)
    return SYSTEM_FILE if os.geteuid() == 0 else Path("opskit.yaml")


def _look(app_env: Path | None, app_unit: str | None) -> Discovery:
    """In the directory of the `.env` file: the one named, else the unit's, else that of this directory."""
    if app_env is not None and not app_env.is_file():
        raise ConfigurationError.of(
            "app_env", f"there is no file {app_env}", hint="name the application's .env", where="--app-env"
        )
    base, files = _unit_places(app_unit) if app_unit is not None else (Path.cwd(), ())
    candidates = (app_env,) if app_env is not None else (*files, base / ".env")
    env_file = next((file.absolute() for file in candidates if file.is_file()), None)
    return discover(env_file.parent if env_file is not None else base, env_file, app_unit)


def _unit_places(unit: str) -> tuple[Path, tuple[Path, ...]]:
    """Where a unit's process runs, and its environment files."""
    shown = show(unit, "LoadState", "WorkingDirectory", "EnvironmentFiles")
    if shown.get("LoadState") != "loaded":
        raise ConfigurationError.of(
            "app_unit", f"systemd has no unit {unit}", hint="see `systemctl list-units`", where="--app-unit"
        )
    files = [line.rpartition(" (")[0] for line in shown.get("EnvironmentFiles", "").splitlines()]
    directory = shown.get("WorkingDirectory", "").lstrip("!")
    return Path(directory) if directory else Path.cwd(), tuple(Path(file) for file in files if file)


def _must_write(target: Path, text: str) -> bool:
    """Whether the file has to be written, and may be: what an operator has edited is not ours.

    Raises:
        Refused: it has been edited.
    """
    try:
        existing = target.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return True
    except OSError as error:
        raise ConfigurationError.of(
            "cannot_read", f"{target}: {error.strerror}", where=str(target)
        ) from error
    if existing in (text, draft(first_user())):
        return existing != text
    raise Refused.of(
        "configuration_exists",
        f"{target} is there already and says something else",
        hint="go on with it, or name another with --config",
        where=str(target),
    )


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError.of(
            "cannot_write",
            f"{target}: {error.strerror}",
            hint="name another with --config",
            where=str(target),
        ) from error
    write_whole(target, text.encode(), mode=0o644, owner=str(os.geteuid()), group=str(os.getegid()))


def _told(target: Path, found: Discovery, *, written: bool) -> str:
    head = f"{target} is written" if written else f"{target} says all this already"
    databases = [f"  {name}: {one.sqlite}" for name, one in found.configuration.databases.items()]
    return "\n".join((f"{head}, with databases", *databases, "Next: opskit config check"))


def _warnings(found: Discovery) -> Iterator[str]:
    if found.guessed:
        yield "no SQLite file was found: the databases are the first user's, correct them in the file"
    if found.aside:
        yield f"also there, and not in the file: {', '.join(map(str, found.aside))}"
