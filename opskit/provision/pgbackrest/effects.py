"""Performs the steps for pgBackRest, and puts them back."""

from pathlib import Path
from typing import assert_never

from opskit.config.pgbackrest_words import CONFIGURATION
from opskit.host.files import (
    FileState,
    give_directory,
    make_directory,
    read_state,
    remove,
    remove_directories,
    write_whole,
)
from opskit.host.pgbackrest import Pgbackrest
from opskit.host.postgresql_programs import server_account
from opskit.provision.pgbackrest.planning import (
    ACCESS,
    ACCOUNT,
    CreateStanza,
    MakeRepository,
    PgbackrestStep,
    WriteConfiguration,
)
from opskit.provision.pgbackrest.reader import shall


class PgbackrestEffects:
    """The effects on pgBackRest's file and repository; it remembers what it has changed, for the way back."""

    def __init__(self) -> None:
        self._made: dict[Path, tuple[Path, ...]] = {}
        self._before: FileState | None = None
        self._written = False

    def perform(self, step: PgbackrestStep) -> None:
        """Makes it so.

        Raises:
            OpskitError: it could not be done.
        """
        match step:
            case MakeRepository():
                self._made[step.directory] = make_directory(step.directory)
                give_directory(step.directory, mode=0o750, owner=ACCOUNT, group=ACCOUNT)
            case WriteConfiguration():
                self._write(step)
            case CreateStanza():
                repository = Pgbackrest(step.stanza, account=server_account())
                repository.attend("stanza-create")
                if step.archives:
                    repository.attend("check")
            case _:
                assert_never(step)

    def revert(self, step: PgbackrestStep) -> None:
        """Puts it back, also when it was performed only in part or not at all. A stanza harms nobody.

        Raises:
            OpskitError: it could not be put back.
        """
        match step:
            case MakeRepository():
                remove_directories(self._made.get(step.directory, ()))
            case WriteConfiguration():
                self._put_back()
            case CreateStanza():
                pass
            case _:
                assert_never(step)

    def _write(self, step: WriteConfiguration) -> None:
        self._before, self._written = read_state(CONFIGURATION), True
        self._made[CONFIGURATION] = make_directory(CONFIGURATION.parent)
        content = shall(step.wanted, step.place).encode()
        write_whole(CONFIGURATION, content, mode=ACCESS.mode, owner=ACCESS.owner, group=ACCESS.group)

    def _put_back(self) -> None:
        before = self._before
        if not self._written:
            return
        if before is None:
            remove(CONFIGURATION)
            remove_directories(self._made.get(CONFIGURATION, ()))
        else:
            content, mode = before.content, before.mode
            write_whole(CONFIGURATION, content, mode=mode, owner=before.owner, group=before.group)
