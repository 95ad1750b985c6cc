"""The steps that move staged rows into a schema that the application made itself."""

from dataclasses import dataclass

from opskit.schema.target_schema import PgForeignKey, PgSequence


@dataclass(frozen=True, slots=True)
class KeyGenerator:
    """A key generator that has to go on after the keys that are moved in.

    Attributes:
        last_key: the highest key that SQLite ever gave out, None where it does not say.
    """

    column: str
    sequence: PgSequence
    last_key: int | None


@dataclass(frozen=True, slots=True)
class FilledTable:
    """One table of the application's and what goes into it.

    Attributes:
        columns: those that take the source's values.
        replaced: rows that stood there before, all with keys that the source has too.
    """

    source: str
    target: str
    columns: tuple[str, ...]
    rows: int
    replaced: int
    generators: tuple[KeyGenerator, ...]


@dataclass(frozen=True, slots=True)
class Fill:
    """Move the staged rows into the application's tables, in a transaction that stays open.

    Attributes:
        tables: parents before their children.
        circular: (table, foreign key) checked when all tables are filled.
    """

    database: str
    staging: str
    schema: str
    tables: tuple[FilledTable, ...]
    circular: tuple[tuple[str, PgForeignKey], ...]

    @property
    def title(self) -> str:
        """One line."""
        rows = sum(table.rows for table in self.tables)
        return f"{self.database}: move {rows} rows into {len(self.tables)} tables of schema {self.schema}"


@dataclass(frozen=True, slots=True)
class Commit:
    """Make what was moved visible; with several databases, when all of them are filled."""

    database: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: commit what was moved"
