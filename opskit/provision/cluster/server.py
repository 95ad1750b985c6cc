"""What a running server says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RunningSetting:
    """A setting as it is in force, in the server's own units.

    Attributes:
        unit: `8kB`, `ms` and the like; None for a number without one, and for texts.
        at_start: does the server read it only when it starts?
        pending: has it been changed in a file, and waits for a restart?
    """

    value: str
    unit: str | None
    at_start: bool
    pending: bool


@dataclass(frozen=True, slots=True)
class FileSetting:
    """A line of a settings file on disk; of several about the same name the last one counts."""

    name: str
    value: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server as its superuser sees it.

    Attributes:
        in_recovery: does it follow another server?
        collation: of template1, which databases made by others begin with.
        databases: all that hold anything of anybody's: neither templates nor `postgres`.
        sessions: of clients other than opskit.
        settings: name → as it is in force.
        files: all lines of the settings files, in the order in which they count.
        unread: why some of them could not be read.
    """

    version: int
    in_recovery: bool
    checksums: bool
    encoding: str
    collation: str
    databases: tuple[str, ...]
    sessions: int
    settings: Mapping[str, RunningSetting] = field(default_factory=dict[str, RunningSetting])
    files: tuple[FileSetting, ...] = ()
    unread: tuple[str, ...] = ()
