"""What is known of a backup beside what it says itself: is it pinned, and how did its checks end? Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import cast

from opskit.errors import OpskitError
from opskit.runs.plan import JsonValue, to_json


class Level(Enum):
    """How closely a backup is looked at; each level includes the ones before."""

    FILES = "files"
    READABLE = "readable"
    DRILL = "drill"

    def includes(self, other: "Level") -> bool:
        """Does this one look at all that the other looks at?

        >>> Level.DRILL.includes(Level.FILES), Level.FILES.includes(Level.READABLE)
        (True, False)
        """
        levels = list(Level)
        return levels.index(self) >= levels.index(other)


@dataclass(frozen=True, slots=True)
class Check:
    """How a check ended: when, after how many seconds, and what was wrong."""

    at: datetime
    seconds: float
    problems: tuple[str, ...] = ()

    def to_json(self) -> Mapping[str, JsonValue]:
        """As it stands in the file."""
        return {
            "at": self.at.isoformat(),
            "seconds": round(self.seconds, 1),
            "problems": to_json(self.problems),
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """How a look at a backup ended: with a result, or with a failure that says nothing about the backup.

    Attributes:
        databases: of the configuration, which the backup holds.
    """

    id: str
    databases: tuple[str, ...]
    check: Check | None = None
    failure: OpskitError | None = None

    @property
    def severity(self) -> int:
        """0: nothing is wrong; 1: it could not be looked at; 2: something is wrong with it."""
        return 1 if self.check is None else 2 if self.check.problems else 0


class RecordDamaged(OpskitError):
    """A record cannot be understood."""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything recorded about one backup; `checks` holds the last of each level."""

    pinned: bool = False
    checks: Mapping[Level, Check] = field(default_factory=dict[Level, Check])

    def passed(self, level: Level) -> datetime | None:
        """When a check that looks at all of this level last found nothing wrong."""
        moments = [one.at for done, one in self.checks.items() if done.includes(level) and not one.problems]
        return max(moments, default=None)

    def problems(self) -> tuple[str, ...]:
        """What is wrong: found by a check that no later one of its kind has refuted."""
        return tuple(
            problem
            for level, check in self.checks.items()
            if check.problems and not _later(self.passed(level), check.at)
            for problem in check.problems
        )

    def with_check(self, level: Level, check: Check) -> "Record":
        """The record after a check."""
        return replace(self, checks={**self.checks, level: check})


def _later(one: datetime | None, other: datetime) -> bool:
    return one is not None and one > other


def dump(record: Record) -> bytes:
    """A record as it is written."""
    checks = {level.value: check.to_json() for level, check in record.checks.items()}
    return (json.dumps({"pinned": record.pinned, "checks": checks}, indent=1) + "\n").encode()


def load(content: bytes) -> Record:
    """A record as it was written.

    Raises:
        RecordDamaged: it cannot be understood.
    """
    try:
        document = cast("dict[str, object]", json.loads(content))
        checks = cast("dict[str, dict[str, object]]", document["checks"])
        return Record(
            document["pinned"] is True, {Level(name): _check(fields) for name, fields in checks.items()}
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordDamaged.of("record_damaged", "its record cannot be understood") from error


def _check(fields: Mapping[str, object]) -> Check:
    problems = cast("list[str]", fields["problems"])
    return Check(
        datetime.fromisoformat(cast("str", fields["at"])), cast("float", fields["seconds"]), tuple(problems)
    )
