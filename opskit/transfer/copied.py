"""What copying some rows took and gave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from opskit.runs.plan import JsonValue
from opskit.transfer.digest import Digest

_KEPT = 1000
"""Refused rows of a part that a journal keeps."""


@dataclass(frozen=True, slots=True)
class Copied:
    """Rows that were copied.

    Attributes:
        bytes: of the COPY stream.
        set_aside: rows that the target cannot hold, and that were not copied.
        taken: rows that the server counted.
        refused: digest of a line that the server refused → its words; such rows are among those set aside.
    """

    digest: Digest
    bytes: int
    set_aside: int
    taken: int
    seconds: float
    refused: Mapping[int, str] = field(default_factory=dict[int, str])

    def to_json(self) -> Mapping[str, JsonValue] | None:
        """As a journal keeps it; None when more rows were refused than it has room for."""
        if len(self.refused) > _KEPT:
            return None
        return {
            "rows": self.digest.rows,
            "digest": self.digest.total,
            "bytes": self.bytes,
            "set_aside": self.set_aside,
            "taken": self.taken,
            "seconds": round(self.seconds, 3),
            "refused": {str(line): words for line, words in self.refused.items()},
        }

    @classmethod
    def of_json(cls, found: Mapping[str, JsonValue]) -> "Copied":
        """From a journal.

        Raises:
            KeyError: it was written by another version.
        """
        numbers = cast("Mapping[str, int]", found)
        refused = cast("Mapping[str, str]", found["refused"])
        return cls(
            Digest(numbers["rows"], numbers["digest"]),
            numbers["bytes"],
            numbers["set_aside"],
            numbers["taken"],
            float(numbers["seconds"]),
            {int(line): words for line, words in refused.items()},
        )
