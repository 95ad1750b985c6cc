"""The process that follows all databases of a configuration, one after the other, until it is told to end."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from opskit.config import Configuration, Engine, engine_in_use
from opskit.errors import ExitCode
from opskit.host.notify import Notifier
from opskit.runs.lock import exclusive
from opskit.runs.standby_state import Phase, State, directory_of, is_open, utc, write_state
from opskit.standby.follower import Follower
from opskit.standby.window import windows

log = logging.getLogger(__name__)

_TICK = 0.1
"""Seconds between two rounds; each database has its own pace."""

_CLOSED_TICK = 2.0
"""The same while the application runs on SQLite."""

_TELL = 1.0
"""Seconds between two times that the states are told."""

_STOPPED = "opskit standby run has been stopped"


def run_standby(configuration: Configuration, state_dir: Path) -> int:
    """Follows until SIGTERM or SIGINT, which may come at any moment; the server may be down meanwhile.

    Raises:
        Busy: another process follows.
        ConfigurationError: the directory cannot be written, or a secret or the `.env` not be read.
    """
    with exclusive(directory_of(configuration, state_dir), "standby run"), ExitStack() as stack:
        voice = _Voice(Notifier())
        voice.followers = [Follower(one, voice.alive) for one in windows(configuration, state_dir)]
        for one in voice.followers:
            stack.callback(one.close)
        try:
            while True:
                _go_round(configuration, voice)
        except KeyboardInterrupt:  # which is how the command line hears of SIGTERM
            voice.stopping()
    return ExitCode.DONE


def _go_round(configuration: Configuration, voice: "_Voice") -> None:
    is_open = engine_in_use(configuration) is Engine.POSTGRESQL
    for one in voice.followers:
        if not is_open:
            _rest(one)
        elif one.state.phase is not Phase.ENDED:
            one.look()
    voice.looked()
    time.sleep(_TICK if is_open else _CLOSED_TICK)


class _Voice:
    """Tells systemd and others how the databases are, also while something takes long."""

    def __init__(self, notifier: Notifier) -> None:
        self.followers: Sequence[Follower] = ()
        self._notifier = notifier
        self._told = -_TELL
        self._is_ready = False

    def alive(self, _rows: int = 0) -> None:
        """Something goes on."""
        self._notifier.alive()
        if time.monotonic() - self._told >= _TELL:
            self._told = time.monotonic()
            self._tell()

    def looked(self) -> None:
        """All databases have been looked at."""
        self.alive()
        if not self._is_ready:
            self._is_ready = True
            self._tell()
            self._notifier.ready(self._line())

    def stopping(self) -> None:
        """The end has come: from now on nobody sees what is written."""
        self._notifier.stopping()
        for one in self.followers:
            if is_open(one.state):
                one.state = replace(one.state, phase=Phase.STUCK, ready=False, reasons=(_STOPPED,))
        self._tell()

    def _tell(self) -> None:
        now = datetime.now(UTC)
        for one in self.followers:
            try:
                write_state(one.window.status, replace(one.told(now), written=utc(now)))
            except OSError as error:  # a full disk; the file that follows has more to say about that
                log.warning("%s cannot be written: %s", one.window.status, error.strerror)
        if self._is_ready:
            self._notifier.status(self._line())

    def _line(self) -> str:
        now = datetime.now(UTC)
        return "; ".join(line_of(one.told(now)) for one in self.followers)


def _rest(one: Follower) -> None:
    """Nothing to follow; a way back that was ended may be opened again."""
    one.close()
    one.state = State(one.window.database, Phase.CLOSED, why="the application runs on SQLite")


def line_of(state: State) -> str:
    """A database's state in a few words.

    >>> line_of(State("main", Phase.FOLLOWING, reasons=("table a is gone", "table b is gone")))
    'main: table a is gone (and 1 more)'
    """
    if state.ready:
        return f"{state.database}: ready, {state.lag_seconds} s behind"
    first, *others = state.reasons or (state.why or state.phase.value,)
    return f"{state.database}: {first}{f' (and {len(others)} more)' if others else ''}"
