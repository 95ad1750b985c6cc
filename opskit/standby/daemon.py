"""The process that follows all databases of a configuration, one after the other, until it is told to end."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from opskit.config import Configuration, Engine, engine_in_use
from opskit.errors import ExitCode
from opskit.host.notify import Notifier
from opskit.runs.lock import exclusive
from opskit.standby.follower import Follower
from opskit.standby.state import Phase, State, utc, write_state
from opskit.standby.window import directory_of, windows

log = logging.getLogger(__name__)

_TICK = 0.1
"""Seconds between two rounds; each database has its own pace."""

_CLOSED_TICK = 2.0
"""The same while the application runs on SQLite."""

_TELL = 1.0
"""Seconds between two times that the states are told."""


def run_standby(configuration: Configuration, state_dir: Path) -> int:
    """Follows until SIGTERM or SIGINT, which may come at any moment; the server may be down meanwhile.

    Raises:
        Busy: another process follows.
        ConfigurationError: the directory cannot be written, or a secret or the `.env` not be read.
    """
    notifier = Notifier()
    with exclusive(directory_of(configuration, state_dir), "standby run"), ExitStack() as stack:
        followers = [Follower(one, lambda _: notifier.alive()) for one in windows(configuration, state_dir)]
        for one in followers:
            stack.callback(one.close)
        try:
            _follow(configuration, followers, notifier)
        except KeyboardInterrupt:  # which is how the command line hears of SIGTERM
            notifier.stopping()
    return ExitCode.DONE


def _follow(configuration: Configuration, followers: Sequence[Follower], notifier: Notifier) -> None:
    told, is_ready = 0.0, False
    while True:
        is_open = engine_in_use(configuration) is Engine.POSTGRESQL
        for one in followers:
            if not is_open:
                _rest(one)
            elif one.state.phase is not Phase.ENDED:
                one.look()
        notifier.alive()
        if time.monotonic() - told >= _TELL:
            told = time.monotonic()
            _tell(followers)
            status = "; ".join(_line(one.state) for one in followers)
            (notifier.status if is_ready else notifier.ready)(status)
            is_ready = True
        time.sleep(_TICK if is_open else _CLOSED_TICK)


def _rest(one: Follower) -> None:
    """Nothing to follow; a way back that was ended may be opened again."""
    one.close()
    why = "the application runs on SQLite"
    one.state = State(one.window.database, Phase.CLOSED, utc(datetime.now(UTC)), why=why)


def _tell(followers: Sequence[Follower]) -> None:
    for one in followers:
        try:
            write_state(one.window.status, one.state)
        except OSError as error:  # a full disk; the file that follows has more to say about that
            log.warning("%s cannot be written: %s", one.window.status, error.strerror)


def _line(state: State) -> str:
    """A database's state in a few words."""
    if state.ready:
        return f"{state.database}: ready, {state.lag_seconds} s behind"
    return f"{state.database}: {'; '.join(state.reasons) or state.why or state.phase.value}"
