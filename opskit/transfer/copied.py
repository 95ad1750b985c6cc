"""What copying some rows took and gave."""

from collections.abc import Mapping
from dataclasses import dataclass

from opskit.transfer.digest import Digest


@dataclass(frozen=True, slots=True)
class Copied:
    """Rows that were copied.

    Attributes:
        bytes: of the COPY stream.
        set_aside: rows that the target cannot hold, and that were not copied.
        taken: rows that the server counted.
    """

    digest: Digest
    bytes: int
    set_aside: int
    taken: int
    seconds: float

    def to_json(self) -> Mapping[str, int | float]:
        """As a journal keeps it."""
        return {
            "rows": self.digest.rows,
            "digest": self.digest.total,
            "bytes": self.bytes,
            "set_aside": self.set_aside,
            "taken": self.taken,
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def of_json(cls, found: Mapping[str, int | float]) -> "Copied":
        """From a journal.

        Raises:
            KeyError: it was written by another version.
        """
        return cls(
            Digest(int(found["rows"]), int(found["digest"])),
            int(found["bytes"]),
            int(found["set_aside"]),
            int(found["taken"]),
            float(found["seconds"]),
        )
