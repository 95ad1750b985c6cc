"""Writes the access files, and puts them back: never does the server meet one that it cannot read."""

import time
from pathlib import Path
from typing import LiteralString

from opskit.errors import QueryFailed
from opskit.host.files import FileState, read_state, write_whole
from opskit.provision.access.managed_block import with_block
from opskit.provision.access.reader import access_errors, access_paths
from opskit.provision.access.rules import File, ProtectAccess, WriteAccess
from opskit.transfer.target import Connection

_RELOAD_SECONDS = 10.0

_RELOAD: LiteralString = "SELECT pg_conf_load_time(), pg_reload_conf()"
_READ_AT: LiteralString = "SELECT pg_conf_load_time()"


class AccessEffects:
    """The effects on the access files of one server; keeps what they were, to put it back."""

    def __init__(self) -> None:
        self._before: dict[File, FileState] = {}

    def write(self, connection: Connection, step: WriteAccess) -> None:
        """Writes opskit's lines, and has the server check the file before it goes by it.

        Raises:
            QueryFailed: it cannot read the file, which then stands as it stood.
            FileFailed: it cannot be written.
        """
        path, before = self._read(connection, step.file)
        _write(path, before, with_block(before.content, step.lines))
        errors = access_errors(connection)[step.file]
        if errors:
            _write(path, before, before.content)
            raise QueryFailed.of("access_file", f"{path}: {errors[0]}", where=str(path))

    def protect(self, connection: Connection, step: ProtectAccess) -> None:
        """Gives the file its owner and mode; the server need not read it anew.

        Raises:
            QueryFailed: it is missing.
            FileFailed: it cannot be written.
        """
        path, before = self._read(connection, step.file)
        write_whole(path, before.content, mode=step.mode, owner=step.owner, group=before.group)

    def _read(self, connection: Connection, file: File) -> tuple[Path, FileState]:
        """Where it stands, and what it is; what it was first is kept."""
        path = access_paths(connection)[file]
        before = read_state(path)
        if before is None:
            raise QueryFailed.of(
                "access_file", f"{path} is missing", hint="put it back: the server needs it", where=str(path)
            )
        self._before.setdefault(file, before)
        return path, before

    def restore(self, connection: Connection, step: WriteAccess | ProtectAccess) -> None:
        """Puts the file back byte for byte, and makes the server read it."""
        before = self._before.get(step.file)
        if before is not None:
            _write(access_paths(connection)[step.file], before, before.content)
            reload(connection)


def reload(connection: Connection) -> None:
    """Makes the server read its files; when this returns, new sessions meet the new rules.

    Raises:
        QueryFailed: it has not read them after ten seconds.
        psycopg.Error: it refused, or went away.
    """
    ((before, _),) = connection.execute(_RELOAD).fetchall()
    deadline = time.monotonic() + _RELOAD_SECONDS
    while connection.execute(_READ_AT).fetchone() == (before,):
        if time.monotonic() > deadline:
            raise QueryFailed.of(
                "not_reloaded",
                f"the server has not read its files within {_RELOAD_SECONDS:.0f} s",
                hint="see the server's log; then run again",
            )
        time.sleep(0.02)


def _write(path: Path, access: FileState, content: bytes) -> None:
    write_whole(path, content, mode=access.mode, owner=access.owner, group=access.group)
