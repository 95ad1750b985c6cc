"""What the doctor finds."""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How bad it is."""

    ERROR = "error"
    """The application cannot work as it should, or data are at risk."""

    WARNING = "warning"
    """It works now; something else will make it worse."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One trouble of this host.

    Attributes:
        code: the trouble's name in the catalogue.
        what: one sentence, without secrets.
        where: the address, file, unit or role concerned.
        remedy: the one thing to do, as a command where one does it.
        fixable: `--fix` mends it.
        database: its configured name; None when the trouble is not one database's.
    """

    code: str
    severity: Severity
    what: str
    where: str
    remedy: str
    fixable: bool
    database: str | None = None
