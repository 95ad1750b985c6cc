"""Programs that run beside this process and end with it."""

import signal
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opskit.errors import OpskitError
from opskit.host.commands import Child, bare_environment
from opskit.host.postgresql_programs import as_account

_STOP_SECONDS = 10.0
_LAST_LINES = 10


class ProgramFailed(OpskitError):
    """A program could not do what it was to do; the message ends with its last words."""


class ProgramEnded(OpskitError):
    """A program did not come to its work, or was ended from outside: that tells nothing about its work."""


@dataclass(frozen=True, slots=True)
class Running:
    """A program beside this process."""

    name: str
    child: Child
    log: Path

    def check(self) -> None:
        """Raises when the program has failed.

        Raises:
            ProgramFailed: it says why.
            ProgramEnded: it does not.
        """
        code = self.child.code()
        if not code:
            return
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        words = "\n".join(lines[-_LAST_LINES:])
        if code > 0 and any(line.startswith(f"{self.name}:") for line in lines):
            hint = "see the message, then run again"
            raise ProgramFailed.of("program_failed", words, hint=hint, where=self.name)
        ended = f"returned {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"
        raise ProgramEnded.of(
            "program_ended", f"{self.name} {ended}: {words}", hint="run again", where=self.name
        )

    def wait(self) -> None:
        """Waits for the end of the program; raises as `check`."""
        while self.child.wait(_STOP_SECONDS) is None:
            pass
        self.check()

    def stop(self) -> None:
        """Ends the program, if it still runs."""
        if self.child.code() is None:
            self.child.signal(signal.SIGTERM)
            if self.child.wait(_STOP_SECONDS) is None:
                self.child.kill()


@contextmanager
def running(command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> Generator[Running]:
    """A program for the block, ended with it.

    Args:
        command: what comes before the program, as setpriv and its words, has no path.
        log: where its words go.

    Raises:
        CommandFailed: it could not be started.
    """
    name = next(Path(word).name for word in command if Path(word).is_absolute())
    child = Running(name, Child(command, log=log, env=environment), log)
    try:
        yield child
    finally:
        child.stop()


def run_to_end(command: Sequence[str | Path], log: Path) -> None:
    """Runs a program that needs nothing of this process but to end with it; raises as `Running.wait`."""
    with running([*as_account(None, parent_death=True), *command], bare_environment(), log) as child:
        child.wait()
