"""The standby as a switch needs it: armed before a cutover, drained at a rollback, disarmed after it."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import apsw
import psycopg

from opskit.capture.pgoutput import Malformed
from opskit.config import Configuration
from opskit.errors import Busy, QueryFailed
from opskit.host.systemd import manages_host, order, show
from opskit.provision.host.units import REHEARSAL, STANDBY
from opskit.runs.lock import exclusive
from opskit.runs.ownership import hand_over
from opskit.runs.standby_state import Phase, State, directory_of, utc, write_state
from opskit.standby.close import close, plan_close, read_remains
from opskit.standby.follower import Follower
from opskit.standby.place_table import place_of
from opskit.standby.session import seed
from opskit.standby.window import Window
from opskit.transfer.target import server_words

_BESIDE = ("", "-wal", "-shm", ".partial")
_PATIENCE = 15.0
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Compared:
    """What of a database was compared when.

    Attributes:
        beside: the moment since which every table has been compared whole, beside the application (ISO 8601).
        whole: tables that were compared whole in the pause; of all others, only the rows that changed.
    """

    beside: str
    whole: tuple[str, ...]


def is_armed(window: Window, since: datetime) -> bool:
    """Has the way back been opened since a moment?"""
    place = place_of(window.file)
    return place is not None and place.opened >= since


def begin_anew(window: Window, copy: Callable[[Path], None]) -> None:
    """Begins the file that follows with a copy of the application's.

    Args:
        copy: writes it to a path.

    Raises:
        QueryFailed: what was there cannot be removed.
        Refused: the file cannot be copied.
    """
    discard(window)
    with _told(window.database):
        seed(window, copy)


def discard(window: Window) -> None:
    """Removes the file that follows.

    Raises:
        QueryFailed: it cannot be removed.
    """
    with _told(window.database):
        for suffix in _BESIDE:
            window.file.with_name(window.file.name + suffix).unlink(missing_ok=True)


def arm(follower: Follower) -> None:
    """Makes what PostgreSQL keeps for the way back, and brings the file level once, comparing everything.

    Raises:
        QueryFailed: it cannot be made, or would not bring back everything.
    """
    window = follower.window
    if place_of(window.file) is not None:  # of an earlier way back
        discard(window)
    bring_back(follower, last=True)
    with _told(window.database):
        write_state(window.status, follower.state)


def bring_back(follower: Follower, *, last: bool) -> Compared:
    """Brings everything into the file that has been committed before this call.

    Args:
        last: nobody writes any more: nothing may be missing.

    Returns:
        what was compared whole: until now, and by this call.

    Raises:
        QueryFailed: it cannot be brought back, or something would be missing.
    """
    with _told(follower.window.database):
        done = follower.drain()
    then = follower.told(done.moment.at)  # however long ago it is: nothing of before this call is missing
    if last and not then.ready:
        name, reasons = follower.window.database, "; ".join(then.reasons)
        raise QueryFailed.of(
            "not_ready",
            f"{name}: a rollback would lose something: {reasons}",
            hint="mend that: docs/standby.md says what comes back",
            where=name,
        )
    return Compared(follower.state.verified, done.compared)


def disarm(window: Window) -> None:
    """Lets go what PostgreSQL keeps, and removes the files; a standby may be just letting them go itself.

    Raises:
        OpskitError: PostgreSQL cannot be reached, or refuses.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with _told(window.database):
                close(plan_close([read_remains(window)]), [window])
            break
        except QueryFailed:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
    now, why = utc(datetime.now(UTC)), "the application runs on SQLite"
    with _told(window.database):
        write_state(window.status, State(window.database, Phase.CLOSED, now, why=why))


def stop_service(configuration: Configuration, state_dir: Path) -> None:
    """Stops the standby's service, and a rehearsal, which would hold its files.

    Raises:
        Busy: a standby runs that systemd does not know.
        CommandFailed: systemd does not stop it.
    """
    for unit in (REHEARSAL, STANDBY):
        if _has(unit):
            order("stop", unit)
    directory = directory_of(configuration, state_dir)
    with _told(str(directory)):
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            hand_over(directory, directory.parent)  # the service runs under another account
    try:
        with exclusive(directory, "switch"):
            pass
    except Busy as error:
        hint = "end it: a switch follows by itself"
        raise Busy.of("standby_runs", str(error), hint=hint, where=str(directory)) from error


def start_service() -> None:
    """Starts the standby's service now and at every boot, where systemd has it.

    Raises:
        CommandFailed: systemd does not start it.
    """
    if _has(STANDBY):
        order("enable", STANDBY)
        order("start", STANDBY)


def restart_service() -> None:
    """Starts the standby's service again, if it starts at boot.

    Raises:
        CommandFailed: systemd does not start it.
    """
    if _has(STANDBY) and show(STANDBY, "UnitFileState").get("UnitFileState") == "enabled":
        order("start", STANDBY)


def _has(unit: str) -> bool:
    return manages_host() and show(unit, "LoadState").get("LoadState") == "loaded"


@contextmanager
def _told(where: str) -> Generator[None]:
    """What fails is told as an operator understands it."""
    try:
        yield
    except (psycopg.Error, apsw.Error, Malformed, OSError) as error:
        words = server_words(error) if isinstance(error, psycopg.Error) else str(error)
        message = f"the way back of {where}: {words}"
        raise QueryFailed.of("way_back_failed", message, hint="run again", where=where) from error
