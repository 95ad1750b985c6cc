"""What a comparison finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is different, or that the operator should know.

    Attributes:
        code: stable identifier for programs, lower case with underscores.
        object: kind and name of what it is about, as it is called in PostgreSQL.
        message: a clause about the object.
    """

    code: str
    object: str
    message: str

    def __str__(self) -> str:
        return f"{self.object} {self.message}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A finding about the schema and what it means.

    Attributes:
        fault: the target is not what `migrate` would have made; otherwise the operator should only know.
        unless: a query; when it is true, or the server cannot answer it, the rows do not allow what is
            missing, and the difference is no fault.
    """

    finding: Finding
    fault: bool = True
    unless: str = ""
