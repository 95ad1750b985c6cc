"""A server may think as long as it likes, while it still takes new sessions; one that does not, hangs.

How long a statement may take depends on the data, so no limit for all of them fits. What tells a server that
works from one that is suspended, or whose disk or network hangs, is whether it answers somebody else.
"""

import time
from collections.abc import Mapping
from math import inf

import psycopg
from psycopg.conninfo import make_conninfo

from opskit.transfer.deadlines import Deadline, NoAnswer, Silence, connect

PATIENCE = 15.0
"""Seconds within which a server that works takes a new session."""

_EVERY = 5.0


class _Doubt:
    """Asks a silent server now and then whether it is there."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._asked = -inf

    def __call__(self) -> None:
        """Called while the server is silent.

        Raises:
            NoAnswer: it does not take new sessions either.
        """
        if time.monotonic() - self._asked < _EVERY:
            return
        try:
            connect(self._conninfo, Deadline.after(PATIENCE)).close()
        except NoAnswer as error:
            raise NoAnswer(f"PostgreSQL hangs: no new session within {PATIENCE:g} seconds") from error
        except psycopg.Error:  # it refuses, so it is awake; if it is gone, the session itself will tell
            pass
        self._asked = time.monotonic()


def while_awake(parameters: Mapping[str, str | int] | str) -> Silence:
    """The limit of a session on a server, without an end as long as that takes new ones.

    Args:
        parameters: libpq parameters, or a connection string.
    """
    conninfo = parameters if isinstance(parameters, str) else make_conninfo("", **parameters)
    return Silence(inf, _Doubt(conninfo))
