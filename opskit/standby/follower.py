"""One database that is followed: steps while all is well, and what is known of it when it is not."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import apsw
import psycopg

from opskit.capture.pgoutput import Malformed
from opskit.capture.position import lsn_of
from opskit.capture.reconcile import Alive
from opskit.errors import OpskitError
from opskit.runs.standby_state import Phase, State, read_state, utc
from opskit.standby.cycle import Cycle, cycle
from opskit.standby.decide import NEW, reasons, rest
from opskit.standby.place import Place
from opskit.standby.place_table import place_of
from opskit.standby.session import Session, session
from opskit.standby.window import Window
from opskit.transfer.target import server_words

log = logging.getLogger(__name__)

_LONGEST_WAIT = 60.0
"""Seconds between two attempts at most, while the server cannot be reached."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why the last attempt failed; the next one waits."""

    reason: str
    wait: float


class Follower:
    """Follows one database. Nothing of it is shared with other threads.

    Args:
        alive: called now and then while something takes long.
    """

    def __init__(self, window: Window, alive: Alive) -> None:
        self.window = window
        told = read_state(window.status, window.database)
        opening = State(window.database, Phase.OPENING, reasons=("both sides are being compared",))
        self.state = told if told.phase is Phase.ENDED else opening
        """As it was after the last step; see `told`."""
        self._alive = alive
        self._open = ExitStack()
        self._session: Session | None = None
        self._place = place_of(window.file)
        self._problems: tuple[str, ...] = ()
        self._log_end = -1
        self._due = 0.0
        self._failure: _Failure | None = None

    def look(self) -> None:
        """Takes over what has changed, if it is time to look; never fails, but tells why it cannot."""
        if time.monotonic() < self._due:
            return
        begun = time.monotonic()
        try:
            done = self._step()
        except (OpskitError, psycopg.Error, apsw.Error, Malformed, OSError) as error:
            self._failed(error)
        else:
            self._went_well(done)
            compared = done.seconds if done else 0.0
            self._due = time.monotonic() + rest(time.monotonic() - begun, compared)

    def told(self, now: datetime) -> State:
        """The state as others shall know it: while a step takes long, the file falls behind."""
        if self.state.phase is not Phase.FOLLOWING:
            return self.state
        why_not = tuple(reasons(self._place, now, (*self._healing(), *self._problems), ""))
        lag = _seconds(self._place, now)
        return replace(self.state, ready=not why_not, reasons=why_not, lag_seconds=lag)

    def _healing(self) -> Iterator[str]:
        """What the file may lack at this very moment."""
        if self._session and self._session.gap not in ("", NEW):
            yield f"everything is being compared: {self._session.gap}"

    def drain(self) -> Cycle:
        """Takes over everything that has been committed before this call, and compares no more than it must.

        Raises:
            OpskitError: PostgreSQL cannot be reached, or the file not be made.
            psycopg.Error: the server refused or went away.
            apsw.Error: the file cannot be written.
        """
        try:
            done = cycle(self._opened(), self._alive, looks_back=False)
        except BaseException:
            self.close()
            raise
        self._went_well(done)
        return done

    def close(self) -> None:
        """Lets the file and the connections go."""
        self._open.close()
        self._session = None

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._open.enter_context(session(self.window, self._alive))
            self._log_end = -1
            log.info("%s: %s", self.window.database, self._session.why)
        return self._session

    def _step(self) -> Cycle | None:
        """A step, unless nothing was written at all since the last one."""
        opened = self._opened()
        row = opened.log.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        (end,) = cast("tuple[str]", row)
        if lsn_of(end) == self._log_end:
            return None
        done = cycle(opened, self._alive, looks_back=True)
        self._log_end = lsn_of(end)
        return done

    def _went_well(self, done: Cycle | None) -> None:
        opened, now = self._opened(), datetime.now(UTC)
        if self._failure is not None:
            log.info("%s: follows again", self.window.database)
        self._failure = None
        self._place = opened.place
        if done is None:  # nothing was written: the file shows this very moment
            self._place = opened.place and replace(opened.place, at=now)
        self._problems = (*(opened.pairs.problems if opened.pairs else ()), *opened.differing.values())
        self.state = self._followed(opened, done)
        self.state = self.told(now)

    def _followed(self, opened: Session, done: Cycle | None) -> State:
        place, before = self._place, self.state
        slot = done.slot if done else None
        return replace(
            before,
            phase=Phase.FOLLOWING,
            method=opened.method.value,
            slot=self.window.slot,
            why=opened.why,
            at=utc(place and place.at),
            changes=before.changes + (done.changes if done else 0),
            verified=utc(place and place.verified()),
            whole=(done.whole if done else "") or before.whole,
            retained_bytes=slot.retained if slot else before.retained_bytes,
            safe_bytes=slot.safe if slot else before.safe_bytes,
            opened=utc(place and place.opened),
            deadline=utc(place and place.opened + timedelta(seconds=self.window.seconds)),
        )

    def _failed(self, error: Exception) -> None:
        reason = self._words(error)
        if self._failure is None or self._failure.reason != reason:
            log.warning("%s: %s", self.window.database, reason)
        self.close()
        if isinstance(error, apsw.CorruptError | apsw.NotADBError) and self.window.file.exists():
            self.window.file.replace(self.window.file.with_suffix(".damaged"))  # the next one begins anew
            self._place = None
        wait = min(_LONGEST_WAIT, 2 * self._failure.wait) if self._failure else 1.0
        self._failure = _Failure(reason, wait)
        self._due = time.monotonic() + wait
        now = datetime.now(UTC)
        self.state = replace(
            self.state,
            phase=Phase.STUCK,
            why=reason,
            ready=False,
            reasons=tuple(reasons(self._place, now, (), reason)),
            at=utc(self._place and self._place.at),
            lag_seconds=_seconds(self._place, now),
        )

    def _words(self, error: Exception) -> str:
        if isinstance(error, psycopg.Error):
            return server_words(error)
        return f"{self.window.file}: {error}" if isinstance(error, apsw.Error) else str(error)


def _seconds(place: Place | None, now: datetime) -> float | None:
    """How far a place is behind; clocks of two hosts may differ a little."""
    return round(max(0.0, (now - place.at).total_seconds()), 3) if place else None
