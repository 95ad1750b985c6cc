"""Performs the steps on this host's files and services, and puts them back."""

from pathlib import Path
from typing import assert_never

from opskit.config.env_text import decode, encode, with_values
from opskit.host.files import (
    FileState,
    make_directory,
    read_state,
    remove,
    remove_directories,
    write_whole,
)
from opskit.host.systemd import order, reread_units, show, start_anew
from opskit.provision.host.env_file import PASSWORD, WriteEnv
from opskit.provision.host.password_file import PasswordPlace, WritePassword, generate_password
from opskit.provision.host.planning import HostStep
from opskit.provision.host.reader import read_password
from opskit.provision.host.units import (
    CLUSTER_TIMERS,
    EXPORTER,
    SOCKET,
    STANDBY,
    EnableUnit,
    StartUnit,
    WriteDropIn,
    drop_in_file,
)


class HostEffects:
    """The effects on files and services; it remembers what it has changed, for the way back."""

    def __init__(self) -> None:
        self._before: dict[Path, FileState | None] = {}
        self._made: dict[Path, tuple[Path, ...]] = {}

    def perform(self, step: HostStep) -> None:
        """Makes it so.

        Raises:
            OpskitError: it could not be done.
        """
        match step:
            case WriteEnv():
                self._write_env(step)
            case WritePassword():
                password = read_password(step.place) or generate_password()
                content = f"{password}\n".encode()
                self._write(step.file, content, mode=step.mode, owner=step.owner, group=step.group)
            case WriteDropIn():
                self._write_drop_in(step)
            case EnableUnit():
                order("enable", step.unit)
            case StartUnit():
                start_anew(step.unit)
            case _:
                assert_never(step)

    def revert(self, step: HostStep) -> None:
        """Puts it back, also when it was performed only in part or not at all.

        Raises:
            OpskitError: it could not be put back.
        """
        match step:
            case WriteEnv() | WritePassword():
                self._put_back(step.file)
            case WriteDropIn():
                self._put_back(drop_in_file(step.unit))
                _take_up(step.unit)
            case EnableUnit():
                order("disable", step.unit)
            case StartUnit():
                order("stop", step.unit)
            case _:
                assert_never(step)

    def _write_env(self, step: WriteEnv) -> None:
        state = read_state(step.file)
        password = read_password(PasswordPlace(step.file, step.password_file)) or generate_password()
        text = with_values(decode(state.content) if state else "", {**step.values, PASSWORD: password})
        self._write(step.file, encode(text), mode=step.mode, owner=step.owner, group=step.group)

    def _write_drop_in(self, step: WriteDropIn) -> None:
        file = drop_in_file(step.unit)
        if step.text:
            self._write(file, step.text.encode(), mode=0o644, owner="root", group="root")
        else:
            self._before[file] = read_state(file)
            remove(file)
        _take_up(step.unit)

    def _write(self, file: Path, content: bytes, *, mode: int, owner: str, group: str) -> None:
        self._before[file] = read_state(file)
        self._made[file] = make_directory(file.parent)
        write_whole(file, content, mode=mode, owner=owner, group=group)

    def _put_back(self, file: Path) -> None:
        if file not in self._before:
            return
        before = self._before[file]
        if before is None:
            remove(file)
            remove_directories(self._made.get(file, ()))
        else:
            write_whole(file, before.content, mode=before.mode, owner=before.owner, group=before.group)


def _take_up(unit: str) -> None:
    """Makes a changed drop-in count for what runs; a backup on its way is not disturbed."""
    reread_units()
    if unit == SOCKET and show(unit, "ActiveState").get("ActiveState") == "active":
        order("stop", EXPORTER)  # a socket does not listen anew while its service runs
        order("restart", SOCKET)
        order("start", EXPORTER)
    elif unit in (EXPORTER, STANDBY, *CLUSTER_TIMERS):
        order("try-restart", unit)
