"""Places in PostgreSQL's log, and the slot that keeps it from one of them on; as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as it stands.

    Attributes:
        confirmed: the log before this place is let go.
        retained: bytes of log that are kept for it.
        safe: bytes that may be written before it is in danger; None when there is no limit.
        lost: the log that it stood for is gone.
        active: somebody reads it.
    """

    name: str
    confirmed: int
    retained: int
    safe: int | None
    lost: bool
    active: bool


def lsn_of(text: str) -> int:
    """A place in the log, as a number.

    >>> lsn_of("1/16B3748")
    4318771016
    """
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(lsn: int) -> str:
    """A place in the log, as PostgreSQL spells it.

    >>> lsn_text(4318771016)
    '1/16B3748'
    """
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
