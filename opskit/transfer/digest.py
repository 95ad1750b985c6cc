"""Content digests of tables that do not depend on the order of their rows.

A row's digest is the XXH3 hash of its COPY line, which both engines spell alike; a table's is their sum. It
needs no key: it guards against errors, which pass with a chance of 2^-64, and costs less than splitting the
lines. Any process computes the same, so that digests may be compared and kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xxhash import xxh3_64_intdigest as row_digest

__all__ = ["Digest", "digest", "row_digest", "total"]


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows, and the sum of their digests."""

    rows: int = 0
    total: int = 0

    def __add__(self, other: "Digest") -> "Digest":
        return Digest(self.rows + other.rows, self.total + other.total)


def digest(lines: Sequence[bytes]) -> Digest:
    """The digest of some rows, given as COPY lines."""
    return Digest(len(lines), sum(map(row_digest, lines)))


def total(parts: Iterable[Digest]) -> Digest:
    """The digest of a table from those of its parts."""
    return sum(parts, Digest())
