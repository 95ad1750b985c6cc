"""What the PostgreSQL side of a SQLite schema consists of: tables, rules added after the load, views."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from opskit.schema.names import fit
from opskit.schema.types import TypeChoice


class RuleKind(Enum):
    """Kinds of objects that are added to a loaded table, in the order in which they are added."""

    PRIMARY_KEY = "primary key"
    UNIQUE = "unique constraint"
    INDEX = "index"
    DEFAULT = "default"
    CHECK = "check"
    FOREIGN_KEY = "foreign key"


@dataclass(frozen=True, slots=True)
class ColumnDesign:
    """A target column and where it comes from; generated columns are computed by the server, not copied.

    Attributes:
        definition: as it stands in the CREATE TABLE statement.
    """

    source: str
    target: str
    pg_type: str
    reason: str
    generated: bool = False
    definition: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TableDesign:
    """A target table.

    Attributes:
        create: the CREATE TABLE statement.
        identity: the target column that generates keys, None without one.
        last_key: the highest key ever given out.
    """

    source: str
    target: str
    columns: tuple[ColumnDesign, ...]
    create: str
    key: tuple[str, ...] = ()
    identity: str | None = None
    last_key: int | None = None

    def copied(self) -> tuple[ColumnDesign, ...]:
        """The columns whose values are copied."""
        return tuple(column for column in self.columns if not column.generated)


@dataclass(frozen=True, slots=True)
class Rule:
    """An object added to a loaded table.

    Attributes:
        statement: what makes it in one go.
        fallback: the lesser form for rows that break the rule (NOT VALID, or UNIQUE for a key that holds
            NULL), None when there is none.
        index: the statement that builds its index beside other work, None for a rule without one.
        attach: what then makes the rule of that index, None when the index is all.
        parent: the table a foreign key refers to.
    """

    kind: RuleKind
    name: str
    table: str
    statement: str
    fallback: str | None = None
    index: str | None = None
    attach: str | None = None
    parent: str | None = None

    def __str__(self) -> str:
        refers = f" to table {self.parent}" if self.parent else ""
        return f"{self.kind.value} {self.name} of table {self.table}{refers}"


@dataclass(frozen=True, slots=True)
class ViewDesign:
    """A view: its CREATE VIEW statement, and its columns on either side."""

    source: str
    target: str
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    statement: str


@dataclass(frozen=True, slots=True)
class TriggerDesign:
    """A trigger: its function, and the statements that make both."""

    source: str
    table: str
    function: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that is made in the target, and one sentence for each thing that is not or is different."""

    tables: tuple[TableDesign, ...]
    rules: tuple[Rule, ...]
    views: tuple[ViewDesign, ...]
    triggers: tuple[TriggerDesign, ...]
    told: tuple[str, ...]

    def beside(self, table: TableDesign) -> str:
        """A free name for the table that holds what a table cannot."""
        taken = {one.target for one in (*self.tables, *self.views)} | {rule.name for rule in self.rules}
        names = (fit(f"{table.target}_rejects{number}") for number in ("", *range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)

    def table(self, source: str) -> TableDesign:
        """The design of a source table.

        Raises:
            KeyError: there is none.
        """
        for table in self.tables:
            if table.source == source:
                return table
        raise KeyError(source)


Choices = Mapping[str, Mapping[str, TypeChoice]]
"""Source table → source column → type."""

Refused = Mapping[tuple[str, str], str]
"""(source table, generated column) → why the server does not accept it."""


def one_line(sql: str) -> str:
    """SQL text on one line, for a report."""
    return " ".join(sql.split())
