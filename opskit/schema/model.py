"""The neutral catalogue in which both engines meet: what a database holds, free of engine quirks.

Expressions keep the SQL text of the engine they were read from; `translate` turns them into the other's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from string import ascii_lowercase, ascii_uppercase


class Storage(Enum):
    """SQLite's storage classes (https://sqlite.org/datatype3.html), as `typeof()` spells them."""

    NULL = "null"
    INTEGER = "integer"
    REAL = "real"
    TEXT = "text"
    BLOB = "blob"


class Affinity(Enum):
    """SQLite's column affinities (https://sqlite.org/datatype3.html section 3.1)."""

    INTEGER = "INTEGER"
    TEXT = "TEXT"
    BLOB = "BLOB"
    REAL = "REAL"
    NUMERIC = "NUMERIC"


class Generated(Enum):
    """How a generated column comes to its value."""

    VIRTUAL = "virtual"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        declared: the declared type as written, empty when there is none.
        default: SQL text of the default, None when there is none.
        collation: BINARY, NOCASE, RTRIM or an application's own.
        expression: SQL text of a generated column, None otherwise.
        hidden: `*` and INSERT without column names leave it out: the row number of a virtual table.
    """

    name: str
    declared: str
    affinity: Affinity
    not_null: bool = False
    default: str | None = None
    collation: str = "BINARY"
    generated: Generated | None = None
    expression: str | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class IndexTerm:
    """One term of an index: a column by name, or an expression's SQL text."""

    column: str | None
    expression: str | None = None
    descending: bool = False
    collation: str = "BINARY"


@dataclass(frozen=True, slots=True)
class Index:
    """An index or a unique constraint.

    Attributes:
        constraint: it came from UNIQUE in the table's definition and has no name of its own.
        predicate: SQL text after WHERE, None for a full index.
    """

    name: str
    table: str
    terms: tuple[IndexTerm, ...]
    unique: bool = False
    constraint: bool = False
    predicate: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; `parent_columns` is resolved to the parent's primary key when none were named."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint with its SQL text and its name, if it has one."""

    expression: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """An ON CONFLICT clause: the constraint as written, and what SQLite does instead of refusing a row.

    Attributes:
        resolution: REPLACE, IGNORE, FAIL or ROLLBACK; ABORT is what every engine does.
    """

    constraint: str
    resolution: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        primary_key: column names in key order; empty when there is none.
        key_collations: what each column of the primary key is compared by; empty for a rowid.
        rowid_alias: the INTEGER PRIMARY KEY column whose values SQLite generates.
        autoincrement: keys are never reused (`sqlite_sequence` holds the highest).
        last_key: the highest key ever given out, None when there is no generator.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    key_collations: tuple[str, ...] = ()
    rowid_alias: str | None = None
    autoincrement: bool = False
    last_key: int | None = None
    without_rowid: bool = False
    strict: bool = False
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name, compared as SQLite does: without ASCII case.

        Raises:
            KeyError: the table has no such column.
        """
        folded = ascii_fold(name)
        for column in self.columns:
            if ascii_fold(column.name) == folded:
                return column
        raise KeyError(name)

    def is_key(self, columns: Iterable[str]) -> bool:
        """Whether these columns, in any order, are the primary key or a unique one for all rows."""
        wanted = {ascii_fold(column) for column in columns}
        whole = (index for index in self.indexes if index.unique and index.predicate is None)
        keys = [self.primary_key, *(tuple(term.column or "" for term in index.terms) for index in whole)]
        return any(key and {ascii_fold(column) for column in key} == wanted for key in keys)


@dataclass(frozen=True, slots=True)
class View:
    """A view: its whole CREATE VIEW statement, and its columns as SQLite reports them (empty when broken)."""

    name: str
    sql: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger: the table it stands on and its whole CREATE TRIGGER statement."""

    name: str
    table: str
    sql: str


@dataclass(frozen=True, slots=True)
class VirtualTable:
    """A virtual table; its shadow tables are not part of the catalogue.

    One whose rows can be had as a table's or view's stands among these too, under the same name.

    Attributes:
        columns: as SQLite reports them; empty when it cannot be read.
        problem: why it cannot be read, in SQLite's words: its module is missing, or what it stands on.
    """

    name: str
    module: str
    sql: str
    columns: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that a database file declares."""

    tables: tuple[Table, ...]
    views: tuple[View, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    virtual_tables: tuple[VirtualTable, ...] = ()

    def table(self, name: str) -> Table:
        """The table of that name, compared without ASCII case.

        Raises:
            KeyError: there is no such table.
        """
        folded = ascii_fold(name)
        for table in self.tables:
            if ascii_fold(table.name) == folded:
                return table
        raise KeyError(name)

    def parent(self, key: ForeignKey) -> Table | None:
        """The table that a foreign key refers to, None when there is none."""
        folded = ascii_fold(key.parent)
        return next((table for table in self.tables if ascii_fold(table.name) == folded), None)


def ascii_fold(name: str) -> str:
    """Lower case for A to Z only, which is how SQLite compares names.

    >>> ascii_fold("ÄRGER Id")
    'Ärger id'
    """
    return name.translate(_LOWER)


_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
