"""The application as a whole: stopped, started, and seen through the files it has open."""

import time
from dataclasses import dataclass
from pathlib import Path

from opskit.config import Application
from opskit.errors import OpskitError
from opskit.host.commands import Child
from opskit.host.processes import Process, holders
from opskit.host.systemd import order, show, start_anew
from opskit.runs.progress import Progress

_PAUSE = 0.05
_OWN_UNITS = "opskit-"


class ApplicationFailed(OpskitError):
    """The application does not stop or start."""


@dataclass(frozen=True, slots=True)
class Control:
    """How the application is stopped and started.

    Attributes:
        log: where its commands write.
        patience: seconds that it may take.
    """

    application: Application
    log: Path
    patience: float

    @property
    def how(self) -> str:
        """In a few words."""
        if self.application.unit:
            return self.application.unit
        return "application.stop and application.start" if self.application.stop else "by the operator"

    def stop(self, progress: Progress) -> None:
        """Stops it, or tells the operator to.

        Raises:
            OpskitError: it does not stop.
        """
        if self.application.unit:
            order("stop", self.application.unit)
        elif self.application.stop:
            self._run("stop", self.application.stop)
        else:
            progress.stage("stop the application now")

    def start(self, progress: Progress) -> None:
        """Starts it, or tells the operator to.

        Raises:
            OpskitError: it does not start.
        """
        if self.application.unit:
            start_anew(self.application.unit)
        elif self.application.start:
            self._run("start", self.application.start)
        else:
            progress.stage("start the application now")

    def start_anew(self, progress: Progress) -> None:
        """Starts it, also when it runs: it may have been started on the side that it is put back from.

        Raises:
            OpskitError: it does not stop or start.
        """
        if self.application.unit or self.application.stop:
            self.stop(progress)
            self.start(progress)
        else:
            progress.stage("start the application now; if it runs, start it anew")

    def restarts(self) -> int:
        """How often systemd has started it again; 0 without a unit.

        Raises:
            CommandFailed: systemd does not answer.
        """
        unit = self.application.unit
        return int(show(unit, "NRestarts").get("NRestarts", "0")) if unit else 0

    def is_active(self) -> bool:
        """Does its unit run? True without a unit, where nobody can tell.

        Raises:
            CommandFailed: systemd does not answer.
        """
        unit = self.application.unit
        return not unit or show(unit, "ActiveState").get("ActiveState") == "active"

    def _run(self, what: str, command: tuple[str, ...]) -> None:
        """Its output goes to a file: what it leaves running would keep a pipe open."""
        child = Child(command, log=self.log)
        code = child.wait(self.patience)
        if code is None:
            child.kill()
        if code != 0:
            ended = "did not end in time" if code is None else f"returned {code}"
            raise ApplicationFailed.of(
                f"application_{what}",
                f"application.{what} ({child.name}) {ended}",
                hint=f"the end of {self.log} says why",
                where=f"application.{what}",
            )


def users(files: tuple[Path, ...]) -> tuple[Process, ...]:
    """The processes that have one of the SQLite files open, opskit's own services apart."""
    beside = (one.with_name(one.name + suffix) for one in files for suffix in ("", "-wal", "-shm"))
    return tuple(one for one in holders(beside) if not one.unit.startswith(_OWN_UNITS))


def await_nobody(files: tuple[Path, ...], patience: float) -> None:
    """Waits until no process has the files open.

    Raises:
        ApplicationFailed: some still have, after that many seconds.
    """
    until = time.monotonic() + patience
    while left := users(files):
        if time.monotonic() > until:
            named = "; ".join(f"pid {one.pid}: {one.command[:60]}" for one in left[:3])
            raise ApplicationFailed.of(
                "sqlite_held",
                f"{len(left)} processes have the SQLite files open: {named}",
                hint="stop them, then run again",
                where=str(files[0]),
            )
        time.sleep(_PAUSE)
