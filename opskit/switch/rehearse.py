"""A rollback rehearsed into scratch files, beside the running application: does it work, and how fast?"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from opskit.errors import QueryFailed
from opskit.schema.sqlite_source import copy_source, room_for_copies
from opskit.standby.window import Window
from opskit.switch.sides import Side
from opskit.switch.swap import is_sound, strip
from opskit.switch.way_back import bring_back

_ANY_SIZE = 2**62


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How one database went; seconds of what a rollback does while the application waits.

    Attributes:
        compare: of bringing the copy level and comparing it whole, which a rollback has behind it.
        strip: of taking out what is opskit's.
    """

    name: str
    copy: float
    compare: float
    strip: float


def rehearse(sides: Sequence[Side], state_dir: Path) -> tuple[Rehearsed, ...]:
    """Rehearses all databases.

    Raises:
        OpskitError: a rollback would not work.
    """
    with room_for_copies(state_dir / "rehearsal") as room:
        return tuple(_one(side, room) for side in sides)


def _one(side: Side, room: Path) -> Rehearsed:
    scratch = room / f"{side.name}.db"
    begun = time.monotonic()
    copy_source(side.window.file if side.window.file.exists() else side.file, scratch)
    copied = time.monotonic()
    bring_back(_apart(side.window, scratch), last=True)
    compared = time.monotonic()
    strip(scratch, side.file)
    stripped = time.monotonic()
    wrong = is_sound(scratch)
    if wrong:
        raise QueryFailed.of("not_sound", f"{side.name}: the file is not sound: {wrong}", where=side.name)
    return Rehearsed(side.name, copied - begun, compared - copied, stripped - compared)


def _apart(window: Window, scratch: Path) -> Window:
    """A way back that touches neither slot nor state of the real one: whole comparison needs none."""
    apart = f"{window.slot}_rehearsal"[-63:]
    status = scratch.with_suffix(".json")
    return replace(window, file=scratch, status=status, small=_ANY_SIZE, slot=apart)
