"""The one door to other programs: argument lists in, captured text or a running child out."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from opskit.errors import OpskitError

STDERR_LINES = 20
"""How much of a failed command's last words an error carries."""


class CommandFailed(OpskitError):
    """A program could not be started, ran out of time, or returned something else than zero.

    The text names the program and its last words, never its arguments or environment.
    """


def run(
    command: Sequence[str | Path],
    *,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program to its end and return what it wrote to stdout.

    Args:
        stdin: the place for secrets, which arguments are not.
        env: the whole environment; this process's own when None.
        timeout: seconds after which the program is killed.

    Raises:
        CommandFailed: it could not be started, ran out of time, or returned something else than zero.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            [str(argument) for argument in command],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=env,
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed.of("command_timeout", f"{name} did not end in {timeout} s", where=name) from error
    except OSError as error:
        raise _not_started(name, error) from error
    if done.returncode:
        raise CommandFailed.of("command_failed", _last_words(name, done.returncode, done.stderr), where=name)
    return done.stdout


class Child:
    """A program that runs beside this one.

    It gets a session of its own, so that Ctrl-C in a terminal reaches opskit alone and the order of the
    end stays with opskit.

    Args:
        command: the program and its arguments.
        log: the file that stdout and stderr are appended to.
        env: the whole environment; this process's own when None.

    Raises:
        CommandFailed: it could not be started.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = Path(command[0]).name
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    [str(argument) for argument in command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=env,
                    cwd=cwd,
                    start_new_session=True,
                )
        except OSError as error:
            raise _not_started(self.name, error) from error

    @property
    def pid(self) -> int:
        """The process id; meaningful until the end has been seen."""
        return self._process.pid

    def code(self) -> int | None:
        """The exit code (negative: the signal that ended it), or None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float) -> int | None:
        """As `code`, after at most `timeout` seconds of waiting for the end."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended already is left in peace."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once and collect it."""
        self._process.kill()
        self._process.wait()


def bare_environment() -> dict[str, str]:
    """What a server needs from the environment: nothing of the caller's PG*, LC_* or Python settings."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}


def _not_started(name: str, error: OSError) -> CommandFailed:
    return CommandFailed.of("command_missing", f"{name} cannot be started: {error.strerror}", where=name)


def _last_words(name: str, code: int, stderr: str) -> str:
    ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"returned {code}"
    words = "\n".join(stderr.strip().splitlines()[-STDERR_LINES:])
    return f"{name} {ended}: {words}" if words else f"{name} {ended}"
