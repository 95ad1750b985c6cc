"""Every failure opskit understands: one root error, a hint for the operator, one exit code."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """What the process returns; the table stands in docs/cli.md."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DIFFERENCES = 3
    REVERTED = 4
    ATTENTION = 5
    REFUSED = 6
    BUG = 70
    BUSY = 75
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        code: stable identifier for programs, lower case with underscores.
        message: what is wrong, naming the object; never a secret.
        hint: the remedy, as one instruction.
        where: the object, key path or file concerned.
    """

    code: str
    message: str
    hint: str = ""
    where: str = ""


class OpskitError(Exception):
    """The root of all errors that opskit raises on purpose.

    Carries one or more faults (a configuration reports all of its faults at once).
    """

    exit_code = ExitCode.FAILED

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)  # which is what pickling passes on
        self.faults = faults

    def __str__(self) -> str:
        return "; ".join(fault.message for fault in self.faults)

    @classmethod
    def of(cls, code: str, message: str, *, hint: str = "", where: str = "") -> Self:
        """An error with a single fault."""
        return cls(Fault(code, message, hint, where))


class ConfigurationError(OpskitError):
    """Usage or configuration is wrong; nothing was done."""

    exit_code = ExitCode.USAGE


class Refused(OpskitError):
    """A check said no; nothing was done."""

    exit_code = ExitCode.REFUSED


class Busy(OpskitError):
    """Another opskit run holds the state directory."""

    exit_code = ExitCode.BUSY


class Reverted(OpskitError):
    """The run failed and everything was put back as it was."""

    exit_code = ExitCode.REVERTED


class NeedsAttention(OpskitError):
    """The run failed and could not put everything back; the hint says which command goes on."""

    exit_code = ExitCode.ATTENTION


class DatabaseError(OpskitError):
    """A database said no. The public root of the adapters' errors."""


class ConnectionFailed(DatabaseError):
    """No connection could be made, or an open one was lost."""


class QueryFailed(DatabaseError):
    """A statement was refused or failed."""


class TransactionFailed(DatabaseError):
    """A transaction could not begin, commit, or was rolled back by the server."""
