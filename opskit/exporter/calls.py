"""What a session is asked: one query, or several put into one statement.

Asked one by one, two dozen small queries cost more by being sent, begun and ended than by their work.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, cast
from zlib import crc32

from opskit.exporter.reading import Outcome, Row

_PARAMETER = re.compile(rb"\$(\d+)")

_ROWS = b"select pg_catalog.json_agg(opskit_row) from (\n%b\n) as opskit_row"

_MOMENT = b"extract(epoch from clock_timestamp() - statement_timestamp())"


@dataclass(frozen=True, slots=True)
class Call:
    """A query and its parameters as text.

    Attributes:
        name: also that of its prepared statement.
        anew: whether it is prepared each time: its tables may change.
        joins: whether it may share a statement with others: it waits for no lock and takes no time.
        single: it gives one value and not rows; a new session, which knows nothing yet, answers that sooner.
    """

    name: str
    text: bytes
    parameters: tuple[bytes, ...] = ()
    anew: bool = False
    joins: bool = False
    single: bool = False

    @property
    def statement(self) -> bytes:
        """All rows as one value: taken apart by libpq they would cost more than all the rest."""
        return self.text if self.single else _ROWS % self.text.rstrip(b"; \n")


@dataclass(frozen=True, slots=True)
class Joined:
    """Calls that are one statement: their values, each between two moments of the server's clock."""

    calls: tuple[Call, ...]
    anew: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """That of its prepared statement; PostgreSQL tells names apart by their first 63 bytes."""
        return f"joined_{crc32(' '.join(call.name for call in self.calls).encode()):08x}"

    @property
    def parameters(self) -> tuple[bytes, ...]:
        """Those of all, in their order."""
        return tuple(parameter for call in self.calls for parameter in call.parameters)

    @property
    def statement(self) -> bytes:
        """One value: the moments and values by turns. The server takes the list from left to right, and each
        query when its turn comes.
        """
        parts, taken = [_MOMENT], 0
        for call in self.calls:
            parts += [b"(%b)" % _shifted(call.statement, taken), _MOMENT]
            taken += len(call.parameters)
        return b"select pg_catalog.json_build_array(%b)" % b", ".join(parts)

    def outcomes(self, value: bytes) -> Mapping[str, Outcome]:
        """What the statement's value says of each call, by name."""
        found = json.loads(value)
        moments = [float(one) for one in found[::2]]
        return {
            call.name: Outcome(call.name, ended - begun, tuple(cast("list[Row]", rows or ())))
            for call, rows, (begun, ended) in zip(self.calls, found[1::2], pairwise(moments), strict=True)
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """Calls that have been sent, those that share a statement before the others."""

    calls: tuple[Call, ...]
    together: Joined | None

    @property
    def singly(self) -> list[Call]:
        """Those that are asked by themselves."""
        shared = {call.name for call in self.together.calls} if self.together else set[str]()
        return [call for call in self.calls if call.name not in shared]


def joined(calls: Sequence[Call], refused: frozenset[str]) -> Joined | None:
    """Those that share one statement, without those that failed when last asked; None unless two are."""
    together = tuple(call for call in calls if call.joins and call.name not in refused)
    return Joined(together) if len(together) > 1 else None


def _shifted(statement: bytes, by: int) -> bytes:
    """The statement with its parameters counted from another one on."""
    return _PARAMETER.sub(lambda found: b"$%d" % (int(found[1]) + by), statement)
