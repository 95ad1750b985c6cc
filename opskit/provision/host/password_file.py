"""The application's password: where it stands, and the file that opskit itself reads it from. Pure."""

import secrets
import string
from dataclasses import dataclass
from pathlib import Path

from opskit.config import Configuration
from opskit.provision.decided import Decided

ALPHABET = f"{string.ascii_letters}{string.digits}-_"
"""What dotenv, systemd, shells and URLs all take as it stands."""

LENGTH = 32
SERVICES = "opskit"
"""The group that opskit's own services run in."""


@dataclass(frozen=True, slots=True)
class PasswordPlace:
    """Where the application's password stands: in its `.env`, which wins, in a file of its own, or both."""

    env_file: Path | None
    file: Path | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The password file.

    Attributes:
        mode: None when there is no file; `owner` and `group` are then empty.
        agrees: does it hold the password that `.env` has, or any password when there is no `.env`?
        services: is there a group that opskit's services run in?
    """

    mode: int | None
    owner: str
    group: str
    agrees: bool
    services: bool


@dataclass(frozen=True, slots=True)
class WritePassword:
    """Write the password that `.env` has into a file of its own; without `.env`, keep or generate it."""

    place: PasswordPlace
    file: Path
    mode: int
    owner: str
    group: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        access = f"mode {self.mode:04o}, {self.owner}:{self.group}"
        return f"write the application's password into {self.file}, {access}"


def password_place(configuration: Configuration) -> PasswordPlace | None:
    """Where the application's password stands; None when the configuration names no place on this host."""
    named = configuration.postgresql.password
    place = PasswordPlace(configuration.application.env_file, named.file if named else None)
    return place if place.env_file or place.file else None


def generate_password() -> str:
    """32 characters, 192 bits, that no reader of a file takes for something else."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def decide_password_file(place: PasswordPlace, facts: FileFacts) -> Decided[WritePassword]:
    """One step when the file in the configuration is missing, holds another password, or is too open."""
    if place.file is None:
        return Decided()
    shall = (0o640, "root", SERVICES) if facts.services else (0o600, "root", "root")
    why: list[str] = []
    if facts.mode is None:
        why.append("it is missing")
    elif not facts.agrees:
        why.append(
            "it holds another password than the application's .env" if place.env_file else "it is empty"
        )
    if facts.mode is not None and _too_open(facts.mode, facts.owner, facts.group):
        is_now = f"{facts.mode:04o} {facts.owner}:{facts.group}"
        why.append(f"its access is {is_now}, shall be {shall[0]:04o} {shall[1]}:{shall[2]}")
    return Decided((WritePassword(place, place.file, *shall, tuple(why)),) if why else ())


def _too_open(mode: int, owner: str, group: str) -> bool:
    """An operator may have closed it further than we would."""
    trusted = group in ("root", SERVICES) or not mode & 0o070
    return bool(mode & 0o027) or owner != "root" or not trusted
