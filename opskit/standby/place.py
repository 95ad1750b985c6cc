"""How far a standby file has come, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Followed:
    """A table whose changes the log tells.

    Attributes:
        fingerprint: what the table is like in PostgreSQL; when that has changed, the log did not tell all.
        verified: when both sides were last compared, row by row.
    """

    fingerprint: str
    verified: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """How far the file has come.

    Attributes:
        server: which server, and which of its histories (see `read_server`).
        position: everything before this place in PostgreSQL's log is in the file.
        at: the moment that the file shows, by the server's clock.
        opened: when the way back was opened.
        followed: PostgreSQL's tables whose changes the log tells from here on.
    """

    server: str
    position: int
    at: datetime
    opened: datetime
    followed: Mapping[str, Followed] = field(default_factory=dict[str, Followed])

    def verified(self) -> datetime:
        """When the table was compared that was compared longest ago; others are compared each time."""
        return min((one.verified for one in self.followed.values()), default=self.at)
