"""Both ways between the sides of a database, kept open over the steps of a switch.

Opening looks at schemas and rows, which takes the longer the larger a database is: in the pause, all is open.
"""

import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from math import inf

from opskit.capture.follow import Follower, copy_level, drain, follower
from opskit.capture.whole import compare
from opskit.config import Engine
from opskit.errors import QueryFailed
from opskit.standby import follower as standby
from opskit.switch.sides import Side
from opskit.switch.way_back import Compared, arm, begin_anew, bring_back

_SHRINKS = 0.7
"""A round was worth it when it took less than so much of the shortest before."""

_IN_VAIN = 2
"""So many rounds in a row that were not: one may have been held up by chance."""


class Bridge:
    """The ways of one database. To be closed at the end."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._there: tuple[ExitStack, Follower] | None = None
        self._back: standby.Follower | None = None

    def compare(self) -> None:
        """Compares both sides whole while writers go on: as of one moment, with which the way back begins.

        Raises:
            QueryFailed: they differ, or a side failed.
            Refused: the file cannot be copied, or is not followed any more.
        """
        self.drain()
        window = self._side.window
        with self._opened() as one:
            begin_anew(window, partial(copy_level, one, alive=_quiet))
            differing = compare(one, window.file, _quiet)
        if differing:
            raise QueryFailed.of(
                "differs",
                f"{self._side.name}: both sides differ in {', '.join(differing)}",
                hint="opskit migrate --unfollow, then migrate again; opskit verify shows the rows",
                where=self._side.name,
            )

    def drain(self) -> None:
        """Takes over to PostgreSQL what SQLite was given, and proves it.

        Raises:
            QueryFailed: a side failed, or what arrived is not what was sent.
            Refused: the file is not followed any more.
        """
        with self._opened() as one:
            drain(one, _quiet)

    def arm(self) -> None:
        """Makes the way back and brings it level once.

        Raises:
            QueryFailed: it cannot be made, or would not bring back everything.
        """
        arm(self._standby())

    def bring_back(self, *, last: bool) -> Compared:
        """Brings back to the standby's file what PostgreSQL was given.

        Args:
            last: nobody writes any more: nothing may be missing.

        Returns:
            what was compared whole: until now, and by this call.

        Raises:
            QueryFailed: it cannot be brought back, or something would be missing.
        """
        return bring_back(self._standby(), last=last)

    def close(self) -> None:
        """Lets go what is open."""
        if self._back is not None:
            self._back.close()
            self._back = None
        if self._there is not None:
            stack, _ = self._there
            self._there = None
            stack.close()

    def _standby(self) -> standby.Follower:
        if self._back is None:
            self._back = standby.Follower(self._side.window, _quiet)
        return self._back

    @contextmanager
    def _opened(self) -> Generator[Follower]:
        """Kept from the comparison to the last drain: what cannot be watched is compared whole only once."""
        if self._there is None:
            stack, side = ExitStack(), self._side
            self._there = stack, stack.enter_context(follower(side.file, side.window.owner, side.shut.schema))
        stack, one = self._there
        try:
            yield one
        except BaseException:
            self._there = None
            with stack:  # which tells the failure as an operator understands it
                raise


def catch_up(bridges: Sequence[Bridge], engine: Engine) -> None:
    """Takes over what is written meanwhile, again and again, until that takes hardly less time any more.

    Args:
        engine: to which; on the way to PostgreSQL, the way back is brought level with it.

    Raises:
        OpskitError: see `Bridge`.
    """
    shortest, in_vain = inf, 0
    while in_vain < _IN_VAIN:
        took = _round(bridges, engine)
        in_vain = in_vain + 1 if took > _SHRINKS * shortest else 0
        shortest = min(shortest, took)


def _round(bridges: Sequence[Bridge], engine: Engine) -> float:
    begun = time.monotonic()
    for one in bridges:
        if engine is Engine.POSTGRESQL:
            one.drain()
        one.bring_back(last=False)
    return time.monotonic() - begun


def _quiet(_: int) -> None:
    """Nobody is told how far it is."""
