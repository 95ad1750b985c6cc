"""The door to pgBackRest: its commands on one cluster, under the account of the server."""

import json
import pwd
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from opskit.config.pgbackrest_words import CONFIGURATION, words
from opskit.errors import Busy, OpskitError
from opskit.host.commands import Child, CommandFailed, bare_environment, run
from opskit.host.postgresql_programs import as_account
from opskit.host.scratch import scratch_directory

ROOT = Path("/")
_STOP_SECONDS = 10.0
_LAST_LINES = 10
_ERROR = re.compile(r"ERROR: \[(\d{3})\]")

_DAMAGE = frozenset({26, 29, 55, 95})
"""Checksum, format, a missing file, decryption: https://github.com/pgbackrest/pgbackrest, error.yaml."""

_LOCKED = 50

NOT_MADE = frozenset({1, 3})
NOT_TOLD = 99
"""The status of a stanza that is not made, or about which `info` can tell nothing."""


class RepositoryFailed(OpskitError):
    """pgBackRest could not do what it was to do; the message ends with its last words."""


class RepositoryDamaged(RepositoryFailed):
    """What is in the repository is not what was put there."""


@dataclass(frozen=True, slots=True)
class Pgbackrest:
    """pgBackRest for one cluster.

    Attributes:
        stanza: what it calls the cluster.
        file: its configuration.
        account: who runs it; None for this process's own user.
    """

    stanza: str
    file: Path = CONFIGURATION
    account: pwd.struct_passwd | None = None

    def words(self, command: str, *arguments: str) -> list[str]:
        """A command, without the account."""
        return words(self.stanza, command, *arguments, file=self.file)

    def ask(self, command: str, *arguments: str) -> str:
        """Runs a short command, and returns what it prints.

        Raises:
            RepositoryFailed: it failed.
            Busy: another one works on the repository.
        """
        whole = [*as_account(self.account), *self.words(command, *arguments)]
        try:
            return run(whole, env=bare_environment(), cwd=ROOT)
        except CommandFailed as error:
            raise _failure(command, str(error)) from error

    def attend(self, command: str, *arguments: str) -> str:
        """Runs a command that takes its time and ends with this process; returns all that it says.

        Raises:
            RepositoryFailed: it failed.
            Busy: another one works on the repository.
        """
        whole = [*as_account(self.account, parent_death=True), *self.words(command, *arguments)]
        with scratch_directory() as room:
            child = Child(whole, log=room / "pgbackrest.log", env=bare_environment(), cwd=ROOT)
            try:
                while (code := child.wait(_STOP_SECONDS)) is None:
                    pass
            finally:
                if child.code() is None:
                    child.signal(signal.SIGTERM)
                    if child.wait(_STOP_SECONDS) is None:
                        child.kill()
            said = (room / "pgbackrest.log").read_text(encoding="utf-8", errors="replace")
        if code:
            raise _failure(command, said)
        return said


def has_stanza(repository: Pgbackrest) -> bool:
    """Does the repository know the cluster?

    Raises:
        RepositoryFailed: it cannot be asked.
    """
    (stanza,) = cast(
        "list[dict[str, dict[str, object]]]", json.loads(repository.ask("info", "--output=json"))
    )
    status = stanza["status"]
    code, message = cast("int", status["code"]), str(status["message"])
    if code >= NOT_TOLD:
        raise RepositoryFailed.of("pgbackrest_failed", f"pgbackrest info: {message}", where="info")
    return code not in NOT_MADE


def _failure(command: str, said: str) -> OpskitError:
    words = "\n".join(said.strip().splitlines()[-_LAST_LINES:])
    found = _ERROR.search(said)
    number = int(found[1]) if found else 0
    if number == _LOCKED:
        hint = "wait for it to end, then run again"
        return Busy.of("pgbackrest_busy", f"another pgBackRest is at work: {words}", hint=hint, where=command)
    kind = RepositoryDamaged if number in _DAMAGE else RepositoryFailed
    return kind.of(
        "pgbackrest_failed",
        f"pgbackrest {command}: {words}",
        hint="see the message, then run again",
        where=command,
    )
