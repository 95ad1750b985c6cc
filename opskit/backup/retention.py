"""Which backups are kept, and why: a pure function of when they were made and what is known of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from opskit.config import Keep


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backup of one database, as far as it matters here.

    Attributes:
        sound: nothing is known to be wrong with it.
        drilled: when a drill last brought it back whole; None if never.
        in_use: somebody is checking or restoring it.
        way_back: it is of the side that the application has left and may yet go back to.
    """

    id: str
    at: datetime
    sound: bool = True
    drilled: datetime | None = None
    pinned: bool = False
    in_use: bool = False
    way_back: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a backup, and every reason for it."""

    id: str
    keep: bool
    reasons: tuple[str, ...]


_PERIODS: tuple[tuple[str, Callable[[datetime], str]], ...] = (
    ("hourly", lambda at: f"{at:%Y-%m-%d %H}h"),
    ("daily", lambda at: f"{at:%Y-%m-%d}"),
    ("weekly", lambda at: f"{at:%G-W%V}"),
    ("monthly", lambda at: f"{at:%Y-%m}"),
)


def decide(candidates: Iterable[Candidate], keep: Keep) -> tuple[Decision, ...]:
    """What becomes of the backups of one database, newest first.

    Of each period the newest sound backup is kept, for as many periods as the rule says; periods without a
    backup do not count.
    """
    ordered = sorted(candidates, key=lambda one: (one.at, one.id), reverse=True)
    sound = [one for one in ordered if one.sound]
    reasons: dict[str, list[str]] = {one.id: [] for one in ordered}
    for name, reason in (*_protected(ordered, sound, keep), *_by_rules(sound, keep)):
        reasons[name].append(reason)
    newest = sound[0] if sound else None
    return tuple(_decision(one, reasons[one.id], newest) for one in ordered)


def _protected(
    ordered: Sequence[Candidate], sound: Sequence[Candidate], keep: Keep
) -> Iterator[tuple[str, str]]:
    """What no rule can drop."""
    for one in ordered:
        if one.pinned:
            yield one.id, "pinned"
        if one.in_use:
            yield one.id, "in use"
    if sound:
        yield sound[0].id, "the newest"
    drilled = [one for one in sound if one.drilled]
    if drilled:
        yield drilled[0].id, "the newest that a drill brought back"
    left = [one for one in sound if one.way_back]
    if left:
        yield left[0].id, "the last before the cutover, and the way back is open"
    for one in sound[: keep.floor]:
        yield one.id, f"never fewer than {keep.floor}"


def _by_rules(sound: Sequence[Candidate], keep: Keep) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(sound[: keep.last], 1):
        yield one.id, f"last {number} of {keep.last}"
    limits = {"hourly": keep.hourly, "daily": keep.daily, "weekly": keep.weekly, "monthly": keep.monthly}
    for rule, period_of in _PERIODS:
        newest: dict[str, str] = {}
        for one in sound:
            newest.setdefault(period_of(one.at), one.id)
        for number, (period, name) in enumerate([*newest.items()][: limits[rule]], 1):
            yield name, f"{rule} {number} of {limits[rule]} ({period})"


def _decision(one: Candidate, reasons: Sequence[str], newest: Candidate | None) -> Decision:
    if reasons:
        return Decision(one.id, keep=True, reasons=tuple(reasons))
    if one.sound:
        return Decision(one.id, keep=False, reasons=("no rule keeps it",))
    if newest is not None and newest.at > one.at:
        return Decision(one.id, keep=False, reasons=("damaged, and there is a newer sound one",))
    return Decision(one.id, keep=True, reasons=("damaged, but there is no newer sound one",))
