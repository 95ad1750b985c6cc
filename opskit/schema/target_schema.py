"""What stands in one schema of a PostgreSQL database, as frozen values.

Names are plain (not quoted). Expressions, types and definitions are as the server prints them when the schema
itself is its search_path: an object of the schema has no prefix, one of another schema has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class PgSequence:
    """A sequence.

    Attributes:
        schema: where it stands; the sequence of a column may stand elsewhere than its table.
        last_value: None when this role may not read it.
        is_called: `last_value` has been handed out already.
    """

    schema: str
    name: str
    pg_type: str
    increment: int
    minimum: int
    maximum: int
    cycle: bool
    last_value: int | None
    is_called: bool

    def next_value(self) -> int | None:
        """What it hands out next, None when this role may not read it."""
        if self.last_value is None:
            return None
        return self.last_value + self.increment if self.is_called else self.last_value


@dataclass(frozen=True, slots=True)
class PgColumn:
    """A column.

    Attributes:
        pg_type: as format_type() prints it, with modifiers; an enum or domain by its name.
        collation: its collation's name where it is not the type's own, else None.
        default: the DEFAULT expression; None without one and for generated columns.
        generated: the GENERATED ALWAYS AS expression, None for ordinary columns.
        identity: how an identity column is declared, None for others.
        sequence: the sequence that its identity or its default uses, else one it owns.
    """

    name: str
    pg_type: str
    collation: str | None = None
    not_null: bool = False
    default: str | None = None
    generated: str | None = None
    identity: Literal["always", "by default"] | None = None
    sequence: PgSequence | None = None


@dataclass(frozen=True, slots=True)
class PgKey:
    """A primary key or unique constraint; columns in key order."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    deferrable: bool = False
    nulls_not_distinct: bool = False


@dataclass(frozen=True, slots=True)
class PgForeignKey:
    """A foreign key.

    Attributes:
        parent_schema: the parent may stand in another schema.
        on_update: NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT; so is `on_delete`.
        validated: False for one added NOT VALID.
        enforced: False when its triggers are disabled.
    """

    name: str
    columns: tuple[str, ...]
    parent_schema: str
    parent: str
    parent_columns: tuple[str, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    match_full: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    validated: bool = True
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class PgCheck:
    """A CHECK constraint; not validated when it was added NOT VALID."""

    name: str
    expression: str
    validated: bool = True


@dataclass(frozen=True, slots=True)
class PgIndex:
    """An index, also one behind a key.

    Attributes:
        definition: the whole CREATE INDEX statement.
        body: the definition from USING on: method, terms, options and predicate, without any name.
        terms: its columns and expressions without order and collation.
        valid: False for what a failed CREATE INDEX CONCURRENTLY leaves behind.
        constraint: the key it belongs to, None for an index of its own.
    """

    name: str
    definition: str
    body: str
    terms: tuple[str, ...]
    unique: bool
    predicate: str | None
    valid: bool
    constraint: str | None


@dataclass(frozen=True, slots=True)
class PgTrigger:
    """A trigger that somebody made (those behind foreign keys are not listed).

    Attributes:
        timing: BEFORE, AFTER or INSTEAD OF.
        events: of INSERT, UPDATE, DELETE and TRUNCATE.
        function: without arguments; with its schema when that is another one.
    """

    name: str
    timing: str
    events: tuple[str, ...]
    for_each_row: bool
    function: str
    enabled: bool
    definition: str


@dataclass(frozen=True, slots=True)
class PgTable:
    """A table.

    Attributes:
        kind: "table", "partitioned table", "partition" or "foreign table".
        logged: False for an UNLOGGED table, which a crash empties.
        columns: in their order.
    """

    name: str
    kind: str = "table"
    logged: bool = True
    columns: tuple[PgColumn, ...] = ()
    primary_key: PgKey | None = None
    unique: tuple[PgKey, ...] = ()
    foreign_keys: tuple[PgForeignKey, ...] = ()
    checks: tuple[PgCheck, ...] = ()
    indexes: tuple[PgIndex, ...] = ()
    triggers: tuple[PgTrigger, ...] = ()

    def column(self, name: str) -> PgColumn | None:
        """The column of exactly that name, None without one."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class PgView:
    """A view or materialized view; its columns tell names and types."""

    name: str
    materialized: bool
    definition: str
    columns: tuple[PgColumn, ...] = ()
    triggers: tuple[PgTrigger, ...] = ()


@dataclass(frozen=True, slots=True)
class PgFunction:
    """A function or procedure; `arguments` are the types that tell it from others of its name."""

    name: str
    arguments: str
    result: str
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class TargetSchema:
    """Everything in a schema that belongs to no extension, by name.

    Attributes:
        enums: enum type, as columns spell it → its labels in order.
        domains: domain, as columns spell it → the type beneath.
    """

    name: str
    tables: Mapping[str, PgTable] = field(default_factory=dict[str, PgTable])
    views: Mapping[str, PgView] = field(default_factory=dict[str, PgView])
    sequences: Mapping[str, PgSequence] = field(default_factory=dict[str, PgSequence])
    functions: tuple[PgFunction, ...] = ()
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    domains: Mapping[str, str] = field(default_factory=dict[str, str])
