"""Reads what there is on this host: the application's files, its password, services. Changes nothing."""

import grp
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from opskit.config.env_text import decode, values
from opskit.host.files import FileState, group_name, read_state, user_name
from opskit.host.machine import cores, disk, memory
from opskit.host.systemd import manages_host, show
from opskit.provision.host.env_file import MODE, OTHERS, PASSWORD, EnvFacts
from opskit.provision.host.password_file import SERVICES, FileFacts, PasswordPlace
from opskit.provision.host.planning import HostFacts, HostWanted
from opskit.provision.host.units import UnitFacts, drop_in_file
from opskit.provision.settings.machine import Machine


def read_machine(data: Path) -> Machine:
    """What this host has to give to a server with that data directory."""
    about = disk(data)
    return Machine(memory(), cores(), about.size, about.free, about.rotating)


def read_host(wanted: HostWanted) -> HostFacts:
    """The host as it is.

    Raises:
        FileFailed: a file of the application's cannot be read.
        Refused: it is a link that root does not follow.
        CommandFailed: systemd does not answer.
    """
    env = _read_env(wanted.env.file, wanted.application) if wanted.env else None
    ways = list(_ways(wanted, env))
    return HostFacts(
        env,
        _read_password_file(wanted.password) if wanted.password and wanted.password.file else None,
        {one.name: _read_unit(one.name) for one in wanted.units} if manages_host() else None,
        tuple(sorted({way for way in ways if isinstance(way, str)})),
        tuple(sorted({way for way in ways if isinstance(way, Path)})),
    )


def read_password(place: PasswordPlace) -> str | None:
    """The application's password; None when neither place has one yet.

    Raises:
        FileFailed: a file cannot be read.
    """
    return _password_in_env(place.env_file) or _password_in_file(place.file)


def _password_in_env(file: Path | None) -> str | None:
    state = read_state(file) if file else None
    return values(decode(state.content)).get(PASSWORD) or None if state else None


def _password_in_file(file: Path | None) -> str | None:
    state = read_state(file) if file else None
    return decode(state.content).rstrip("\r\n") or None if state else None


def _read_env(file: Path, unit: str | None) -> EnvFacts:
    state = read_state(file)
    if state is not None:
        readers = _application_group(state.group, unit)
        return EnvFacts(decode(state.content), state.mode, state.owner, state.group, readers)
    directory = file.parent.exists()
    about = file.parent.stat() if directory else Path("/").stat()
    readers = _application_group(group_name(about.st_gid), unit)
    return EnvFacts(None, MODE, user_name(about.st_uid), readers, readers, directory)


def _application_group(group: str, unit: str | None) -> str:
    """The group of the application's service, else that of its file; opskit's in the place of root's."""
    if unit is not None and manages_host():
        account = show(unit, "User", "Group")
        named = account.get("Group") or _primary_group(account.get("User", ""))
        group = named or group
    return SERVICES if group == "root" and _exists(SERVICES) else group


def _primary_group(user: str) -> str:
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        return ""


def _exists(group: str) -> bool:
    return group in {one.gr_name for one in grp.getgrall()}


def _read_password_file(place: PasswordPlace) -> FileFacts:
    state = read_state(place.file) if place.file else None
    held = _password_in_file(place.file)
    expected = _password_in_env(place.env_file) or held
    about = state or FileState(0, "", "", b"")
    return FileFacts(
        state.mode if state else None,
        about.owner,
        about.group,
        held is not None and held == expected,
        _exists(SERVICES),
    )


def _read_unit(name: str) -> UnitFacts:
    instance = name.replace("@.", "@opskit.")  # a template has no state of its own
    found = show(instance, "LoadState", "UnitFileState", "ActiveState")
    drop_in = drop_in_file(name)
    return UnitFacts(
        found.get("LoadState") != "not-found",
        found.get("UnitFileState", ""),
        found.get("ActiveState", ""),
        drop_in.read_text(encoding="utf-8", errors="replace") if drop_in.exists() else "",
    )


def _ways(wanted: HostWanted, env: EnvFacts | None) -> Iterator[str | Path]:
    """For each file of the application's that not everybody may read: the groups that may, or itself."""
    if wanted.env and env:
        group = env.readers if env.mode & OTHERS else env.group
        yield from _way(wanted.env.file, env.mode & ~OTHERS, group, 0o4)
        yield from _directories(wanted.env.file)
    for file in wanted.sqlite:
        if file.exists():
            about = file.stat()
            yield from _way(file, about.st_mode, group_name(about.st_gid), 0o4)
            yield from _directories(file)


def _directories(file: Path) -> Iterator[str | Path]:
    for directory in file.resolve().parents:
        if directory.exists():
            about = directory.stat()
            yield from _way(directory, about.st_mode, group_name(about.st_gid), 0o1)


def _way(path: Path, mode: int, group: str, needed: int) -> Iterator[str | Path]:
    if not stat.S_IMODE(mode) & needed:
        yield group if mode & needed << 3 and group != "root" else path
