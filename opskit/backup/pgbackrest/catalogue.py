"""What a repository holds, as pgBackRest tells it, and what follows from that. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import cast

from opskit.config import Pgbackrest
from opskit.runs.plan import JsonValue

_LABEL = re.compile(r"\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?")
_NOT_TOLD = 99
"""The status of a stanza about which `info` can tell nothing."""


class Kind(Enum):
    """How much a backup holds by itself; the values are pgBackRest's."""

    FULL = "full"
    DIFFERENTIAL = "diff"
    INCREMENTAL = "incr"


@dataclass(frozen=True, slots=True)
class ClusterBackup:
    """A backup of the cluster.

    Attributes:
        ended: from then on the cluster can be brought back from it.
        size: bytes of the cluster; `added`: bytes that the repository holds for this backup alone.
        first: the first segment of the log that it needs; `last`: the last one.
        needs: the backups that it builds upon.
        sound: pgBackRest met no damaged page when it was made.
    """

    label: str
    kind: Kind
    begun: datetime
    ended: datetime
    size: int
    added: int
    first: str
    last: str
    needs: tuple[str, ...]
    sound: bool

    def to_json(self) -> Mapping[str, JsonValue]:
        """For programs."""
        return {
            "id": self.label,
            "kind": self.kind.value,
            "begun": self.begun.isoformat(),
            "ended": self.ended.isoformat(),
            "cluster_bytes": self.size,
            "bytes": self.added,
            "needs": list(self.needs),
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A repository.

    Attributes:
        backups: oldest first.
        archives: where its log is kept, by pgBackRest's name → its newest segment.
        trouble: why pgBackRest could not tell; empty when it could.
    """

    backups: tuple[ClusterBackup, ...]
    archives: Mapping[str, str]
    trouble: str = ""

    def backup(self, label: str) -> ClusterBackup | None:
        """The one of this name."""
        return next((one for one in self.backups if one.label == label), None)

    def before(self, moment: datetime) -> ClusterBackup | None:
        """The newest from which the cluster can be brought back as it was at a moment."""
        fit = [one for one in self.backups if one.sound and one.ended < moment]
        return fit[-1] if fit else None


def is_label(name: str) -> bool:
    """Is it the name of a backup of pgBackRest's?

    >>> is_label("20261123-083630F_20261123-083636I"), is_label("main-20261123T051504Z")
    (True, False)
    """
    return _LABEL.fullmatch(name) is not None


def parse(text: str) -> Catalogue:
    """What `pgbackrest info --output=json` prints of one stanza."""
    (stanza,) = cast("list[dict[str, object]]", json.loads(text))
    status = cast("dict[str, object]", stanza["status"])
    code = cast("int", status["code"])
    backups = (_backup(one) for one in cast("list[dict[str, object]]", stanza["backup"]))
    archives = cast("list[dict[str, object]]", stanza["archive"])
    return Catalogue(
        tuple(sorted(backups, key=lambda one: one.ended)),
        {str(one["id"]): str(one["max"] or "") for one in archives},
        str(status["message"]) if code >= _NOT_TOLD else "",
    )


def has_tablespaces(text: str) -> bool:
    """Whether the one backup has any that `pgbackrest info --set=LABEL --output=json` prints."""
    (stanza,) = cast("list[dict[str, object]]", json.loads(text))
    return any(one.get("tablespace") for one in cast("list[dict[str, object]]", stanza["backup"]))


def _backup(told: Mapping[str, object]) -> ClusterBackup:
    info = cast("dict[str, dict[str, int]]", told["info"])
    at = cast("dict[str, int]", told["timestamp"])
    archive = cast("dict[str, str]", told["archive"])
    return ClusterBackup(
        str(told["label"]),
        Kind(told["type"]),
        datetime.fromtimestamp(at["start"], UTC),
        datetime.fromtimestamp(at["stop"], UTC),
        cast("int", cast("object", info["size"])),
        info["repository"]["delta"],
        archive["start"],
        archive["stop"],
        tuple(cast("list[str]", told["reference"] or [])),
        not told["error"],
    )


def kind_due(backups: Iterable[ClusterBackup], wanted: Pgbackrest, now: datetime) -> tuple[Kind, str]:
    """What is to be made next, and why: a missed day makes nothing worse than late."""
    known = list(backups)
    full = _age(known, {Kind.FULL}, now)
    if full is None:
        return Kind.FULL, "there is no full one"
    if full >= timedelta(seconds=wanted.full):
        return Kind.FULL, f"the newest full one is {_days(full)} old"
    large = _age(known, {Kind.FULL, Kind.DIFFERENTIAL}, now)
    if large is not None and large >= timedelta(seconds=wanted.differential):
        return Kind.DIFFERENTIAL, f"the newest full or differential one is {_days(large)} old"
    return Kind.INCREMENTAL, "full and differential ones are young enough"


def _age(backups: Iterable[ClusterBackup], kinds: set[Kind], now: datetime) -> timedelta | None:
    moments = [one.begun for one in backups if one.kind in kinds]
    return now - max(moments) if moments else None


def _days(age: timedelta) -> str:
    """A span for people.

    >>> _days(timedelta(hours=30)), _days(timedelta(days=9))
    ('30 hours', '9 days')
    """
    hours = int(age.total_seconds() // 3600)
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"


def gaps(segments: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Where log is missing between two segments of a timeline.

    >>> list(gaps(["000000010000000000000004", "000000010000000000000006", "000000020000000000000009"]))
    [('000000010000000000000004', '000000010000000000000006')]
    >>> list(gaps(["0000000100000000000000FF", "000000010000000100000000"]))
    []
    """
    known = sorted(set(segments))
    numbers = [(one[:8], int(one[8:16], 16), int(one[16:], 16)) for one in known]
    most = max((low for _, _, low in numbers), default=0)
    in_one_log = 1 << most.bit_length()  # as many as the segments' size, a power of two, lets there be
    for before, after, one, other in zip(known, known[1:], numbers, numbers[1:], strict=False):
        apart = (other[1] - one[1]) * in_one_log + other[2] - one[2]
        if one[0] == other[0] and apart != 1:
            yield before, after


def first_byte(segment: str, size: int) -> int:
    """Where in the log a segment of `size` bytes begins.

    >>> hex(first_byte("000000010000000200000003", 16 << 20))
    '0x203000000'
    """
    return (int(segment[8:16], 16) << 32) + int(segment[16:], 16) * size


def concerned(backup: ClusterBackup, segment: str) -> bool:
    """Does bringing a backup up to later moments need a segment?"""
    return segment[8:] >= backup.first[8:]
