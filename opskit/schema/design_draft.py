"""What every part of a design is drawn from, and how a part says what it could not make."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from opskit.schema.design import Choices, Refused, one_line
from opskit.schema.model import Schema, Table, ascii_fold
from opskit.schema.moments import server_type
from opskit.schema.names import NameMap, quote
from opskit.schema.translation import ColumnTypes, Translation, Untranslatable


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence for the operator: it stands where an object would, or beside one that is different."""

    sentence: str


Translated: TypeAlias = Translation | Untranslatable | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A source schema with the types and names chosen for it.

    Attributes:
        types: folded table → folded column → PostgreSQL type.
        refused: generated columns that are ordinary ones instead.
    """

    schema: Schema
    choices: Choices
    names: NameMap
    types: ColumnTypes
    refused: Refused

    def types_of(self, table: Table) -> Mapping[str, str]:
        """Folded column → PostgreSQL type."""
        return self.types[ascii_fold(table.name)]

    def type(self, table: Table, column: str) -> str:
        """The PostgreSQL type of a column."""
        return self.types_of(table)[ascii_fold(column)]

    def collation(self, table: Table, column: str) -> str:
        """What SQLite compares a column by, as far as PostgreSQL holds texts there: else BINARY."""
        return table.column(column).collation if self.type(table, column) == "text" else "BINARY"

    def relation(self, table: Table) -> str:
        """The quoted target name of a table."""
        return quote(self.names.relation(table.name))

    def column(self, table: Table, column: str) -> str:
        """The quoted target name of a column."""
        return quote(self.names.column(table.name, column))

    def columns(self, table: Table, columns: Iterable[str]) -> str:
        """The quoted target names of columns, as a list."""
        return ", ".join(self.column(table, column) for column in columns)


class FreeNames:
    """Hands out names that nothing else has; lives as long as one design is drawn.

    Args:
        fitting: makes a name one that the target can hold.
    """

    def __init__(self, fitting: Callable[[str], str], taken: Iterable[str] = ()) -> None:
        self._fitting = fitting
        self._taken = set(taken)

    def take(self, wanted: str) -> str:
        """The wanted name, or the next free one like it."""
        name, number = self._fitting(wanted), 1
        while name in self._taken:
            number += 1
            name = self._fitting(f"{wanted}_{number}")
        self._taken.add(name)
        return name


def draft(schema: Schema, choices: Choices, names: NameMap, refused: Refused) -> Draft:
    """A draft with the types by folded names."""
    types = {
        ascii_fold(table): {ascii_fold(name): server_type(choice.pg_type) for name, choice in columns.items()}
        for table, columns in choices.items()
    }
    return Draft(schema, choices, names, types, refused)


def translated(result: Translated, what: str, sql: str, outcome: str = "it was left out") -> str | Told:
    """The translation's SQL (empty when there was nothing to translate), or why there is none."""
    if isinstance(result, Untranslatable):
        return Told(f"{what} was not translated ({result.reason}): {outcome}; its SQL is {one_line(sql)}")
    return result.sql if result else ""


def remarks(result: Translated, what: str) -> Iterator[Told]:
    """What is to be told about something that was translated."""
    if isinstance(result, Translation):
        yield from (Told(f"{what} {sentence}") for sentence in result.told)
