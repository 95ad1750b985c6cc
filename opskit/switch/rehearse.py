"""A rollback rehearsed into scratch files, beside the running application: does it work, and how fast?"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from opskit.errors import OpskitError, QueryFailed
from opskit.runs.rehearsal import Rehearsal, tell
from opskit.runs.standby_state import read_state
from opskit.schema.sqlite_source import copy_source, room_for_copies
from opskit.standby.decide import Method
from opskit.standby.follower import Follower
from opskit.standby.window import Window
from opskit.switch.sides import Side
from opskit.switch.swap import is_sound, take_out
from opskit.switch.way_back import bring_back

_ANY_SIZE = 2**62


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How one database went; seconds.

    Attributes:
        compare: of bringing the copy level and comparing it whole.
        strip: of taking out what is opskit's.
        pause: for which a rollback would stop the application's writes, beside what changes last.
    """

    name: str
    copy: float
    compare: float
    strip: float
    pause: float


def rehearse(sides: Sequence[Side], state_dir: Path) -> tuple[Rehearsed, ...]:
    """Rehearses all databases, and tells others how it went (opskit.runs.rehearsal).

    Raises:
        QueryFailed: a rollback would not work, with all that is in its way.
        FileFailed: how it went cannot be told.
    """
    tried = {side.name: _tried(side, state_dir) for side in sides}
    tell(state_dir, {name: _as_told(one) for name, one in tried.items()})
    failures = [one for one in tried.values() if isinstance(one, OpskitError)]
    if failures:
        raise QueryFailed(*(fault for one in failures for fault in one.faults))
    return tuple(one for one in tried.values() if isinstance(one, Rehearsed))


def nothing_to_rehearse(state_dir: Path) -> None:
    """The application runs on SQLite: what was told of an earlier way back is true no more.

    Raises:
        FileFailed: it cannot be taken back.
    """
    tell(state_dir, {})


def _as_told(one: Rehearsed | OpskitError) -> Rehearsal:
    now = datetime.now(UTC)
    if isinstance(one, OpskitError):
        return Rehearsal(now, failure=str(one) or type(one).__name__)
    return Rehearsal(now, round(one.pause, 3))


def _tried(side: Side, state_dir: Path) -> Rehearsed | OpskitError:
    try:
        with room_for_copies(state_dir) as room:
            return _one(side, room / f"{side.name}.db")
    except OpskitError as error:
        return error


def _one(side: Side, scratch: Path) -> Rehearsed:
    begun = time.monotonic()
    copy_source(side.window.file if side.window.file.exists() else side.file, scratch)
    copied = time.monotonic()
    with closing(Follower(_apart(side.window, scratch), lambda _: None)) as follower:
        bring_back(follower, last=True)
    compared = time.monotonic()
    take_out(scratch)
    stripped = time.monotonic()
    wrong = is_sound(scratch)
    if wrong:
        raise QueryFailed.of("not_sound", f"{side.name}: the file is not sound: {wrong}", where=side.name)
    compare, strip = compared - copied, stripped - compared
    # without the log, the last changes are found by comparing everything
    pause = strip if _is_followed_by_log(side) else compare + strip
    return Rehearsed(side.name, copied - begun, compare, strip, pause)


def _is_followed_by_log(side: Side) -> bool:
    return read_state(side.window.status, side.name).method == Method.LOG.value


def _apart(window: Window, scratch: Path) -> Window:
    """A way back that touches neither slot nor state of the real one: whole comparison needs none."""
    apart = f"{window.slot}_rehearsal"[-63:]
    status = scratch.with_suffix(".json")
    return replace(window, file=scratch, status=status, small=_ANY_SIZE, slot=apart)
