"""What is read and what is written: tables on both ends of the data path, as plain values."""

from dataclasses import dataclass, field

REJECTS_COLUMNS = ("key", "reason", "row")
"""What a table of rejects holds of each row: what identifies it, what does not fit, and all of its values."""


@dataclass(frozen=True, slots=True)
class Wide:
    """How the values of a column are read that are too large for a line.

    Attributes:
        rowid: a name of the rowid, None when the table has none: then values can only be read whole.
        limit: bytes, as PostgreSQL counts them, beyond which a line shows a value by its digest.
    """

    table: str
    rowid: str | None
    limit: int

    @property
    def candidates(self) -> int:
        """Bytes as the file stores them beyond which a value may exceed the limit: UTF-16 can be shorter."""
        return self.limit * 2 // 3


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column to read and the PostgreSQL type it is rendered for.

    Attributes:
        checked: some of its texts are none that PostgreSQL can store; each is looked at.
        plain: every value is NULL or of the one class that prints as the type does; none is looked at.
        wide: how values are read that are too large for a line; None when there are none.
    """

    name: str
    pg_type: str
    checked: bool = False
    plain: bool = False
    wide: Wide | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The rows whose rowid is in a range; `rowid` is a name of it that no column has."""

    rowid: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table to read.

    Attributes:
        escaped: escape inside SQLite, because some text holds the framing characters.
        clean: no text holds a framing character or anything that COPY escapes.
        span: only these rows; None for all.
        rows_at_once: how many rows are fetched together, because they are known not to be wide.
        refused: digests of lines that the target cannot hold although all their values fit.
        only: SQL; only the rows for which it holds.
    """

    name: str
    columns: tuple[SourceColumn, ...]
    escaped: bool = False
    span: Span | None = None
    rows_at_once: int = 1
    clean: bool = False
    refused: frozenset[int] = field(default=frozenset(), repr=False)
    only: str = ""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A column of the target whose lines show values beyond a limit of bytes by their digest."""

    name: str
    limit: int
    is_bytea: bool


@dataclass(frozen=True, slots=True)
class TargetTable:
    """A table to write or read, and the columns in the order of the lines."""

    schema: str
    name: str
    columns: tuple[str, ...]
    hashed: tuple[Hashed, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A table on both sides; columns stand in the same order.

    Attributes:
        key: the source columns that identify a row; empty when the table has no key.
    """

    source: SourceTable
    target: TargetTable
    key: tuple[str, ...]
