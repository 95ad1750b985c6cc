"""What SQLite's files say to one who only looks: file header, wal-index, journal; and where its locks lie.

Layouts: https://www.sqlite.org/fileformat2.html and https://www.sqlite.org/walformat.html
"""

import struct
from dataclasses import dataclass

HEADER_BYTES = 100
WAL_INDEX_BYTES = 136

WAL_WRITE_LOCK = (120, 1)
"""In the -shm file: who holds this byte is the writer (offset, length)."""
WAL_READ_LOCKS = 123
"""In the -shm file: who reads holds one of the bytes from here on, one for each read mark."""
FILE_WRITE_LOCKS = (0x40000000, 512)
"""In the database file: the pending, reserved and shared bytes; a writer write-locks one of them."""

_MAGIC = b"SQLite format 3\x00"
_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"


@dataclass(frozen=True, slots=True)
class Header:
    """The first 100 bytes of a database file.

    Attributes:
        user_version: the application's own version of its schema.
        library: the SQLite that last wrote the file, for example 3.40.1; empty when it did not say.
        changes: what every commit that is not in a write-ahead log changes.
    """

    page_size: int
    wal: bool
    user_version: int
    library: str
    changes: bytes


@dataclass(frozen=True, slots=True)
class WalIndex:
    """How far the write-ahead log was written, and how far it was copied into the database, in frames.

    Attributes:
        marks: how far the log was written when those who read with each of the marks began.
        changes: what every commit changes.
    """

    frames: int
    backfilled: int
    marks: tuple[int, ...]
    changes: bytes


def parse_header(data: bytes) -> Header | None:
    """The header, or None when these are not a SQLite database's first bytes."""
    if len(data) < HEADER_BYTES or not data.startswith(_MAGIC):
        return None
    (size,) = struct.unpack_from(">H", data, 16)
    (user_version,) = struct.unpack_from(">i", data, 60)
    (number,) = struct.unpack_from(">I", data, 96)
    library = f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}" if number else ""
    return Header(65536 if size == 1 else size, data[19] == 2, user_version, library, data[24:28])


def parse_wal_index(data: bytes) -> WalIndex | None:
    """The wal-index header, or None when it is unset or just being written (its two copies differ)."""
    if len(data) < WAL_INDEX_BYTES or data[:48] != data[48:96] or not data[12]:
        return None
    (frames,) = struct.unpack_from("=I", data, 16)
    (backfilled,) = struct.unpack_from("=I", data, 96)
    marks = struct.unpack_from("=5I", data, 100)
    return WalIndex(frames, min(frames, backfilled), marks, data[:48])


def has_journal(data: bytes) -> bool:
    """Whether a -journal file's first bytes are those of one that can be played back."""
    return data.startswith(_JOURNAL_MAGIC)
