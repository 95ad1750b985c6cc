"""The steps of a migration, as frozen values that `--plan` prints and `effects` performs."""

from dataclasses import dataclass, field
from pathlib import Path

from opskit.capture.followed import Followed
from opskit.migrate.existing_steps import Commit, Fill
from opskit.schema.design import Rule, TableDesign, TriggerDesign, ViewDesign
from opskit.transfer.tables import SourceTable


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the staging schema, after removing what a killed migration left in it, some tables apart.

    Attributes:
        kept: target tables that stand there whole.
        workers: processes that are started to work there; with one, all is done in this process.
    """

    database: str
    staging: str
    leftover: bool
    kept: tuple[str, ...] = ()
    workers: int = 1

    @property
    def title(self) -> str:
        """One line."""
        if self.kept:
            many = f"{len(self.kept)} tables that stand"
            tables = f"{many if len(self.kept) > 1 else '1 table that stands'} there whole"
            return f"{self.database}: go on in the staging schema {self.staging} with {tables}"
        also = ", removing what an interrupted migration left there" if self.leftover else ""
        return f"{self.database}: make the staging schema {self.staging}{also}"


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Make one table, without its rules."""

    database: str
    table: TableDesign

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: create table {self.table.target} ({len(self.table.columns)} columns)"


@dataclass(frozen=True, slots=True)
class BackUp:
    """Keep the copy of the source that everything is read from."""

    database: str
    source: Path
    file: Path

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: back up {self.source} to {self.file}"


@dataclass(frozen=True, slots=True)
class CopyTable:
    """Copy the rows of one table, or of one part of it (`part` of `parts`, from 1)."""

    database: str
    table: TableDesign
    source: SourceTable
    rows: int
    part: int = 1
    parts: int = 1

    @property
    def title(self) -> str:
        """One line."""
        part = f" (part {self.part} of {self.parts})" if self.parts > 1 else ""
        return f"{self.database}: copy {self.rows} rows into {self.table.target}{part}"


@dataclass(frozen=True, slots=True)
class SetAside:
    """Keep rows that a table cannot hold in a table beside it, with the reason; all must be there.

    Attributes:
        foreseen: tables that hold values which do not fit; what the server refuses, only the copy shows.
    """

    database: str
    foreseen: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        if self.foreseen:
            tables = ", ".join(self.foreseen)
            return f"{self.database}: keep the rows that {tables} cannot hold beside them, and any refused"
        return f"{self.database}: keep rows that the server refused, if any, beside their tables"


@dataclass(frozen=True, slots=True)
class ProveGenerated:
    """Compare generated columns with SQLite's; where they differ, keep SQLite's values instead."""

    database: str
    table: TableDesign
    source: SourceTable

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: compare the generated columns of {self.table.target}"


@dataclass(frozen=True, slots=True)
class BuildIndex:
    """Build the index of a rule on a loaded table."""

    database: str
    rule: Rule

    @property
    def title(self) -> str:
        """One line."""
        what = self.rule if self.rule.attach is None else f"the index of {self.rule}"
        return f"{self.database}: build {what}"


@dataclass(frozen=True, slots=True)
class AddRule:
    """Add a key, default, check or foreign key to a loaded table; rows are not looked at yet."""

    database: str
    rule: Rule

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: add {self.rule}"


@dataclass(frozen=True, slots=True)
class ValidateRule:
    """Hold the rows that are there against a check or foreign key."""

    database: str
    rule: Rule

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: validate {self.rule}"


@dataclass(frozen=True, slots=True)
class VerifyTable:
    """Compare every row of a table with the source by content digest."""

    database: str
    table: TableDesign
    source: SourceTable
    rows: int

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: verify every row of {self.table.target}"


@dataclass(frozen=True, slots=True)
class AnalyzeTable:
    """Collect the planner's statistics."""

    database: str
    table: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: analyze {self.table}"


@dataclass(frozen=True, slots=True)
class SetGenerator:
    """Set a key generator beyond every key ever given out."""

    database: str
    table: str
    column: str
    last_key: int

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: {self.table}.{self.column} goes on after {self.last_key}"


@dataclass(frozen=True, slots=True)
class AddView:
    """Create a view and compare its rows with the source's; one that differs is left out and told."""

    database: str
    view: ViewDesign

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: create view {self.view.target} and compare its rows"


@dataclass(frozen=True, slots=True)
class AddTrigger:
    """Create a trigger and its function, after the load so that the copy does not fire it."""

    database: str
    trigger: TriggerDesign

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: create trigger {self.trigger.source} of table {self.trigger.table}"


@dataclass(frozen=True, slots=True)
class Publish:
    """Move everything from the staging schema to where the application looks, in one transaction.

    Attributes:
        heir: the role that gets it; None: it stays with who made it.
        followed: how changes of the source are brought over afterwards; None when they are not.
    """

    database: str
    staging: str
    schema: str
    tables: tuple[str, ...]
    views: tuple[str, ...]
    functions: tuple[str, ...]
    new_schema: bool = False
    heir: str | None = None
    followed: Followed | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """One line."""
        to = f", for {self.heir}" if self.heir else ""
        then = ", and follow the source from there" if self.followed else ""
        many = len(self.tables)
        return f"{self.database}: publish {many} tables and the rest into schema {self.schema}{to}{then}"


Step = (
    Prepare
    | CreateTable
    | BackUp
    | CopyTable
    | SetAside
    | ProveGenerated
    | BuildIndex
    | AddRule
    | ValidateRule
    | VerifyTable
    | AnalyzeTable
    | SetGenerator
    | AddView
    | AddTrigger
    | Publish
    | Fill
    | Commit
)
