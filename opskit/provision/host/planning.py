"""The part that files and units are: the application's `.env`, its password, services. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from opskit.config import Configuration
from opskit.provision.decided import Decided
from opskit.provision.host.env_file import EnvFacts, EnvWanted, WriteEnv, decide_env, wanted_env
from opskit.provision.host.password_file import (
    FileFacts,
    PasswordPlace,
    WritePassword,
    decide_password_file,
    password_place,
)
from opskit.provision.host.units import (
    UnitFacts,
    UnitStep,
    UnitWanted,
    WriteDropIn,
    decide_unit,
    wanted_units,
)

HostStep = WriteEnv | WritePassword | UnitStep


@dataclass(frozen=True, slots=True)
class HostWanted:
    """Which keys, files and units there shall be.

    Attributes:
        env: None when the configuration does not name the application's `.env`.
        password: None when it names no place for the password.
        sqlite: the application's SQLite files.
        application: its unit.
    """

    env: EnvWanted | None
    password: PasswordPlace | None
    units: tuple[UnitWanted, ...]
    sqlite: tuple[Path, ...]
    application: str | None


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Which keys, files and units there are.

    Attributes:
        env: None when none is wanted; `password` likewise.
        units: by name; None when systemd does not run this host.
        groups: those that may read the application's files where not everybody may.
        closed: files of the application that only their owner may read.
    """

    env: EnvFacts | None
    password: FileFacts | None
    units: Mapping[str, UnitFacts] | None
    groups: tuple[str, ...]
    closed: tuple[Path, ...]


def wanted_host(configuration: Configuration) -> HostWanted:
    """What the configuration says about this host."""
    return HostWanted(
        wanted_env(configuration),
        password_place(configuration),
        wanted_units(configuration),
        tuple(one.sqlite for one in configuration.databases.values()),
        configuration.application.unit,
    )


def decide_files(wanted: HostWanted, facts: HostFacts) -> Decided[HostStep]:
    """The `.env` and the file with the password: before the roles, whose password is read from there."""
    parts: list[Decided[HostStep]] = []
    if wanted.env is not None and facts.env is not None:
        parts.append(decide_env(wanted.env, facts.env))
    if wanted.password is not None and facts.password is not None:
        parts.append(decide_password_file(wanted.password, facts.password))
    if wanted.password is None:
        parts.append(Decided(told=(NO_PLACE,)))
    return _together(parts)


def decide_units(wanted: HostWanted, facts: HostFacts) -> Decided[HostStep]:
    """The services, when all that they need is there."""
    if facts.units is None:
        return Decided(told=("systemd does not run this host: no service is started or enabled",))
    closed = (f"only its owner may read {file}: opskit's services cannot" for file in facts.closed)
    parts: list[Decided[HostStep]] = [Decided(told=tuple(closed))]
    parts += [decide_unit(one, facts.units[one.name], facts.groups) for one in wanted.units]
    together = _together(parts)
    # a unit starts others, which shall find their drop-ins in place
    in_order = sorted(together.steps, key=lambda step: not isinstance(step, WriteDropIn))
    return replace(together, steps=tuple(in_order))


def _together(parts: Sequence[Decided[HostStep]]) -> Decided[HostStep]:
    return Decided(
        tuple(step for part in parts for step in part.steps),
        tuple(sentence for part in parts for sentence in part.told),
        tuple(fault for part in parts for fault in part.faults),
    )


NO_PLACE = (
    "the configuration names no place for the application's password, so it gets none: "
    "name application.env_file, or postgresql.password with a file"
)
