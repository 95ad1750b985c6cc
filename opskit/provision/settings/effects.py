"""Writes the server's settings and brings them into force, and puts them back."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

import psycopg
from psycopg import sql

from opskit.errors import OpskitError, QueryFailed
from opskit.host import clusters
from opskit.host.commands import CommandFailed
from opskit.host.files import FileState, read_state, remove, write_whole
from opskit.provision.access.reader import MAINTENANCE
from opskit.provision.access.rules_effects import reload
from opskit.provision.here import Here
from opskit.provision.settings.file import ACCESS, names, silenced
from opskit.provision.settings.planning import (
    Reload,
    ResetSetting,
    Restart,
    SettingsStep,
    SilenceLine,
    WriteSettings,
)
from opskit.transfer.target import Connection, server_words


class SettingsRefused(OpskitError):
    """The server's program does not accept its settings files."""


class SettingsEffects:
    """The effects on the settings of one server; keeps what the files were, to put them back."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._before: dict[Path, FileState | None] = {}
        self._restarted = False

    def perform(self, step: SettingsStep) -> None:
        """Makes it so; see `Effects`."""
        match step:
            case WriteSettings():
                self._keep(step.file)
                write_whole(
                    step.file, step.text.encode(), mode=ACCESS.mode, owner=ACCESS.owner, group=ACCESS.group
                )
                self._check(step.version, step.file)
            case ResetSetting():
                self._keep(step.file)
                with self._connected() as connection:
                    name = sql.SQL(".").join(map(sql.Identifier, step.name.split(".")))
                    connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(name))
            case SilenceLine():
                self._silence(step)
            case Reload():
                self._reload()
            case Restart():
                self._restarted = True
                clusters.restart(step.version, step.name)
                self._here.wait_for_start(step.version, step.name)
            case _:
                assert_never(step)

    def revert(self, step: SettingsStep) -> None:  # noqa: ARG002  see `Effects`
        """Puts everything back at the first step: with a part of the old files the server might not start."""
        before, self._before = self._before, {}
        for file, state in before.items():
            if state is None:
                remove(file)
            else:
                write_whole(file, state.content, mode=state.mode, owner=state.owner, group=state.group)
        if before:
            self._bring_into_force()

    def _keep(self, file: Path) -> None:
        self._before.setdefault(file, read_state(file))

    def _silence(self, step: SilenceLine) -> None:
        self._keep(step.file)
        state = read_state(step.file)
        if state is None or not names(state.content, step.line, step.name):
            raise SettingsRefused.of(
                "settings_changed",
                f"{step.file} has changed: line {step.line} does not set {step.name} any more",
                hint="run again",
                where=str(step.file),
            )
        content = silenced(state.content, step.line)
        write_whole(step.file, content, mode=state.mode, owner=state.owner, group=state.group)

    def _bring_into_force(self) -> None:
        present = self._here.present()
        if present is not None and self._restarted:
            clusters.restart(present.version, present.name)
            self._here.wait_for_start(present.version, present.name)
        elif present is not None and present.running:
            self._reload()

    def _check(self, version: int, file: Path) -> None:
        """Also what a start would find: `pg_file_settings` does not tell that from a pending value."""
        present = self._here.present()
        if present is None:
            return
        try:
            clusters.check_settings(version, present.configuration, present.owner)
        except CommandFailed as error:
            raise SettingsRefused.of(
                "settings_refused",
                f"PostgreSQL does not accept {file}: {error}",
                hint="correct the value below provision.parameters",
                where=str(file),
            ) from error

    def _reload(self) -> None:
        with self._connected() as connection:
            reload(connection)

    @contextmanager
    def _connected(self) -> Generator[Connection]:
        connection = self._here.door().connect(MAINTENANCE)
        try:
            yield connection
        except psycopg.Error as error:
            words = server_words(error)
            hint = "see the server's log, then run again"
            raise QueryFailed.of("server_refused", words, hint=hint) from error
        finally:
            connection.close()
