"""The door to systemd's manager: what it says about units, and orders to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from opskit.host.commands import CommandFailed, run

MANAGED = Path("/run/systemd/system")
"""There when systemd runs this host (sd_booted(3))."""

START_SECONDS = 180.0
"""More than systemd itself waits for a service (90 s), twice, for a restart."""

Order = Literal["enable", "disable", "start", "stop", "restart", "try-restart", "reset-failed"]


def manages_host(managed: Path = MANAGED) -> bool:
    """Does systemd run this host? Not so in most containers."""
    return managed.is_dir()


def show(unit: str, *properties: str) -> Mapping[str, str]:
    """Properties of a unit by name; those it does not have are missing, several values stand in lines.

    A unit that does not exist has the LoadState `not-found`.

    Raises:
        CommandFailed: systemd does not answer.
    """
    wanted = f"--property={','.join(properties)}"
    found: dict[str, str] = {}
    for line in run(["systemctl", "show", wanted, "--", unit], timeout=START_SECONDS).splitlines():
        name, _, value = line.partition("=")
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def order(what: Order, unit: str, *, wait: bool = True) -> None:
    """Gives an order about a unit and waits until it is carried out.

    Args:
        wait: False for a unit of which systemd may not notice that it has failed.

    Raises:
        CommandFailed: it was not; the text names the unit.
    """
    try:
        how = ["--no-ask-password", *([] if wait else ["--no-block"])]
        run(["systemctl", *how, what, "--", unit], timeout=START_SECONDS)
    except CommandFailed as error:
        hint = f"journalctl --unit={unit} says why"
        raise CommandFailed.of("unit_failed", f"{what} {unit}: {error}", hint=hint, where=unit) from error


def start_anew(unit: str, *, wait: bool = True) -> None:
    """Starts a unit, also one that has failed so often that systemd would not try again; see `order`.

    Raises:
        CommandFailed: it did not start.
    """
    if show(unit, "ActiveState").get("ActiveState") == "failed":  # one that is not loaded cannot be reset
        order("reset-failed", unit)
    order("start", unit, wait=wait)


def reread_units() -> None:
    """Makes the manager read changed unit files.

    Raises:
        CommandFailed: systemd does not answer.
    """
    run(["systemctl", "daemon-reload"], timeout=START_SECONDS)
