"""Content digests of tables that do not depend on the order of their rows.

A row's digest is the MD5 of its COPY line, which both engines spell alike; a table's is their sum. MD5 guards
against error, not against an adversary who can write to both databases.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

_MODULUS = 1 << 128


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows, and the sum of their digests modulo 2^128."""

    rows: int = 0
    total: int = 0

    def __add__(self, other: "Digest") -> "Digest":
        return Digest(self.rows + other.rows, (self.total + other.total) % _MODULUS)

    def __str__(self) -> str:
        return f"{self.total:032x}"


def row_digest(line: bytes) -> int:
    """The digest of one row's COPY line."""
    return int.from_bytes(hashlib.md5(line, usedforsecurity=False).digest())


def digest(lines: Iterable[bytes]) -> Digest:
    """The digest of some rows."""
    digests = [row_digest(line) for line in lines]
    return Digest(len(digests), sum(digests) % _MODULUS)
