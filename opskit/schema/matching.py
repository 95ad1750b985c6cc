"""Pairs what a SQLite file holds with what stands in a PostgreSQL schema, by name.

Pure. An application that made its schema itself spells names as its tools do: the same name comes first, then
the same without regard to ASCII case, then the name that `migrate` would have given.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opskit.schema.model import Schema, Table, ascii_fold
from opskit.schema.names import NameMap, literal
from opskit.schema.target_schema import PgColumn, PgForeignKey, PgTable, TargetSchema

_BOOKKEEPING = frozenset(
    {
        "__diesel_schema_migrations",
        "__drizzle_migrations",
        "__efmigrationshistory",
        "_prisma_migrations",
        "_sqlx_migrations",
        "_yoyo_log",
        "_yoyo_migration",
        "_yoyo_version",
        "aerich",
        "alembic_version",
        "ar_internal_metadata",
        "databasechangelog",
        "databasechangeloglock",
        "django_migrations",
        "flyway_schema_history",
        "goose_db_version",
        "gorp_migrations",
        "knex_migrations",
        "knex_migrations_lock",
        "kysely_migration",
        "kysely_migration_lock",
        "migratehistory",
        "migrations",
        "mikro_orm_migrations",
        "pgmigrations",
        "phinxlog",
        "refinery_schema_history",
        "schema_migrations",
        "sequelizemeta",
        "typeorm_metadata",
        "yoyo_lock",
    }
)
"""Where migration tools keep which of their scripts ran; it is true of one database only."""

_FILLED_KINDS = frozenset({"table", "partitioned table"})
"""A partition is filled through its parent, and a foreign table stands in another database."""


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """A column on both sides.

    Attributes:
        source: its name in SQLite.
        pg_type: the type whose spelling its values get: the one beneath a domain; for an enum, its labels.
    """

    source: str
    target: PgColumn
    pg_type: str


@dataclass(frozen=True, slots=True)
class TableMatch:
    """A table on both sides.

    Attributes:
        homeless: columns that only the source has.
        added: columns that only the target has.
    """

    source: Table
    target: PgTable
    columns: tuple[ColumnMatch, ...]
    homeless: tuple[str, ...]
    added: tuple[PgColumn, ...]

    def copied(self) -> tuple[ColumnMatch, ...]:
        """The columns that take the source's values; the server computes generated ones."""
        return tuple(column for column in self.columns if column.target.generated is None)

    def key(self) -> tuple[ColumnMatch, ...]:
        """The columns of the target's primary key, in its order; empty when not all take a value."""
        by_name = {column.target.name: column for column in self.copied()}
        wanted = self.target.primary_key.columns if self.target.primary_key else ()
        return tuple(by_name[name] for name in wanted) if all(name in by_name for name in wanted) else ()


@dataclass(frozen=True, slots=True)
class Matching:
    """What belongs together.

    Attributes:
        homeless: tables that only the source has.
        bookkeeping: tables of migration tools, on either side by its own name; nobody touches them.
        added: tables that only the target has.
    """

    tables: tuple[TableMatch, ...]
    homeless: tuple[str, ...]
    bookkeeping: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """In which order tables are filled.

    Attributes:
        circular: (table, foreign key) that no order satisfies: they are checked when all tables are filled.
    """

    tables: tuple[str, ...]
    circular: tuple[tuple[str, PgForeignKey], ...]


def match(schema: Schema, target: TargetSchema, names: NameMap) -> Matching:
    """Pairs tables and columns; every one of the target's is used once at most."""
    sources = [table.name for table in schema.tables if not is_bookkeeping(table.name)]
    targets = [
        name
        for name, table in target.tables.items()
        if table.kind in _FILLED_KINDS and not is_bookkeeping(name)
    ]
    pairs = pair_names(sources, targets, names.relation)
    matched = tuple(
        _match_table(table, target.tables[pairs[table.name]], target, names)
        for table in schema.tables
        if table.name in pairs
    )
    kept = {*(table.name for table in schema.tables), *target.tables}
    return Matching(
        matched,
        homeless=tuple(name for name in sources if name not in pairs),
        bookkeeping=tuple(sorted(filter(is_bookkeeping, kept))),
        added=tuple(name for name in targets if name not in pairs.values()),
    )


def matched_names(matching: Matching) -> NameMap:
    """What the source's tables and columns are called in the target."""
    return NameMap(
        {ascii_fold(table.source.name): table.target.name for table in matching.tables},
        {
            ascii_fold(table.source.name): {
                ascii_fold(column.source): column.target.name for column in table.columns
            }
            for table in matching.tables
        },
    )


def is_bookkeeping(table: str) -> bool:
    """Does a migration tool keep its own records in a table of this name?

    >>> is_bookkeeping("SequelizeMeta"), is_bookkeeping("orders")
    (True, False)
    """
    return ascii_fold(table) in _BOOKKEEPING


def pair_names(
    sources: Iterable[str], targets: Iterable[str], renamed: Callable[[str], str]
) -> Mapping[str, str]:
    """Source name → target name, for the names that have a counterpart.

    A spelling that several targets share decides nothing.

    >>> pair_names(["Id", "NAME", "xmin"], ["id", "name", "Name", "xmin_"], lambda name: f"{name}_")
    {'Id': 'id', 'xmin': 'xmin_'}
    """
    sources, free = list(sources), list(targets)
    pairs: dict[str, str] = {}
    for spell, respell in ((_as_it_is, _as_it_is), (ascii_fold, ascii_fold), (renamed, _as_it_is)):
        for source in (name for name in sources if name not in pairs):
            found = [target for target in free if respell(target) == spell(source)]
            if len(found) == 1:
                pairs[source] = found[0]
                free.remove(found[0])
    return pairs


def _as_it_is(name: str) -> str:
    return name


def _match_table(table: Table, other: PgTable, target: TargetSchema, names: NameMap) -> TableMatch:
    columns = [column.name for column in table.columns]
    found = {column.name: column for column in other.columns}
    pairs = pair_names(columns, found, lambda name: names.column(table.name, name))
    return TableMatch(
        table,
        other,
        columns=tuple(
            ColumnMatch(name, found[pairs[name]], value_type(found[pairs[name]].pg_type, target))
            for name in columns
            if name in pairs
        ),
        homeless=tuple(name for name in columns if name not in pairs),
        added=tuple(column for name, column in found.items() if name not in pairs.values()),
    )


def value_type(pg_type: str, target: TargetSchema) -> str:
    """The type whose values a column of this type takes: beneath domains, and with an enum's labels."""
    while pg_type in target.domains:
        pg_type = target.domains[pg_type]
    labels = target.enums.get(pg_type)
    return pg_type if labels is None else f"enum({', '.join(map(literal, labels))})"


def load_order(tables: Iterable[PgTable], schema: str) -> LoadOrder:
    """The order in which the tables are filled: parents before their children.

    Args:
        schema: where the tables stand; parents in other schemas are there already.
    """
    by_name = {table.name: table for table in tables}
    waiting = {name: _parents(table, schema) & by_name.keys() for name, table in by_name.items()}
    order: list[str] = []
    while ready := [name for name, parents in waiting.items() if not parents & waiting.keys()]:
        order.extend(ready)
        waiting = {name: parents for name, parents in waiting.items() if name not in ready}
    # what is left stands in a circle, or behind one
    circular = tuple(
        (name, key)
        for name in waiting
        for key in by_name[name].foreign_keys
        if key.parent_schema == schema and key.parent in waiting and key.parent != name
    )
    return LoadOrder((*order, *waiting), circular)


def _parents(table: PgTable, schema: str) -> set[str]:
    """The tables a table refers to, itself apart: rows of one statement may refer to one another."""
    return {key.parent for key in table.foreign_keys if key.parent_schema == schema} - {table.name}
