"""Decides how a standby follows, when it copies anew, and whether the way back is ready. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from opskit.capture.position import Slot
from opskit.standby.place import Place

LATE = timedelta(minutes=1)
"""A file that shows an older moment than this is not ready."""

VERIFY = timedelta(days=1)
"""How often each table is compared with PostgreSQL's, row by row, while the log is followed."""

NEW = "the file is new"

_MEGABYTE = 2**20


PAUSE = 0.5
"""Seconds between two looks at least; what comes meanwhile is taken over together."""

_SHARE, _LONGEST = 5, 5.0
"""Server and disk rest so many times as long as a look took, so many seconds at most: each look costs them
something, as a peek reads up to 15 seconds of the log again (LOG_SNAPSHOT_INTERVAL_MS of bgwriter.c), and
what is written to a page between two looks is written to the file once."""

_SHARE_COMPARED, _LONGEST_COMPARED = 19, 30.0
"""The same where tables were compared whole, beside the time of that."""


class Method(Enum):
    """How changes come back."""

    LOG = "log"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the choice of the method rests on.

    Attributes:
        size: bytes of the database's tables and indexes.
        small: up to this size the whole is compared each time.
        logical: the server keeps what logical decoding needs.
        replicates: the role may replicate.
    """

    size: int
    small: int
    logical: bool
    replicates: bool


def choose(conditions: Conditions) -> tuple[Method, str]:
    """The method, and why."""
    size = f"{conditions.size / _MEGABYTE:,.0f} MB"
    if conditions.size <= conditions.small:
        return Method.COPY, f"{size} are compared whole each time, which needs nothing of the server"
    if not conditions.logical:
        return Method.COPY, f"{size} are compared whole each time: wal_level is not logical"
    if not conditions.replicates:
        return Method.COPY, f"{size} are compared whole each time: the role may not replicate"
    return Method.LOG, f"{size}: changes are taken from the log"


def why_whole(place: Place | None, slot: Slot | None, server: str, end: int) -> str:
    """Why the log does not tell all that changed since the file's place; empty when it does.

    Args:
        server: which one is asked now.
        end: where its log ends.
    """
    if place is None:
        return NEW
    if place.server != server:
        return "PostgreSQL is another server, or has been restored"
    if place.position > end:
        return "PostgreSQL has been restored: its log ends before what the file has"
    if slot is None:
        return "the slot is gone"
    if slot.lost:
        return "the log had reached the size that the server keeps (max_slot_wal_keep_size)"
    if slot.confirmed > place.position:
        return (
            "the slot does not reach back to where the file is: it was dropped, or moved on by somebody else"
        )
    return ""


def by_log(place: Place, followable: Collection[str], fingerprints: Mapping[str, str]) -> frozenset[str]:
    """The tables of whose changes the log has told all since the place, if it has told any.

    Args:
        followable: PostgreSQL's tables that are in the log and have a key that can be looked up.
    """
    known = {name: one.fingerprint for name, one in place.followed.items()}
    return frozenset(name for name in followable if known.get(name) == fingerprints[name])


def due(place: Place, tables: Collection[str], now: datetime) -> str | None:
    """The table whose comparison is the longest ago, when that is long enough; one at a time."""
    oldest = min(tables, key=lambda name: place.followed[name].verified, default=None)
    return oldest if oldest and now - place.followed[oldest].verified >= VERIFY else None


def rest(taken: float, compared: float) -> float:
    """Seconds until the next look.

    Args:
        taken: seconds of this look.
        compared: those of them in which tables were compared whole.

    >>> rest(0.1, 0.0), rest(0.5, 0.0), rest(60.0, 0.0), rest(0.5, 0.5), rest(60.0, 60.0)
    (0.5, 2.5, 5.0, 9.5, 30.0)
    """
    return max(PAUSE, min(_SHARE * taken, _LONGEST), min(_SHARE_COMPARED * compared, _LONGEST_COMPARED))


def reasons(place: Place | None, now: datetime, problems: Sequence[str], unreachable: str) -> Iterator[str]:
    """Why a rollback would lose something; none when it is ready.

    Args:
        problems: what cannot come back, a sentence each.
        unreachable: why PostgreSQL could not be asked, empty when it could.
    """
    if unreachable:
        yield f"PostgreSQL cannot be followed: {unreachable}"
    if place is None:
        yield "the first copy is not complete"
    elif now - place.at > LATE:
        yield f"the file shows {place.at:%Y-%m-%d %H:%M:%S} UTC and is behind"
    yield from problems
