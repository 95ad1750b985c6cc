"""Reads what a PostgreSQL schema holds. Never writes; one query for each kind of object."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TypeVar, cast

import psycopg
from psycopg import sql

from opskit.schema.names import quote
from opskit.schema.target_schema import (
    PgCheck,
    PgColumn,
    PgForeignKey,
    PgFunction,
    PgIndex,
    PgKey,
    PgSequence,
    PgTable,
    PgTrigger,
    PgView,
    TargetSchema,
)

_SQL = files("opskit.schema") / "sql"

Connection = psycopg.Connection[tuple[object, ...]]
_Made = TypeVar("_Made")


def read_target_schema(connection: Connection, schema: str, beside: str = "") -> TargetSchema:
    """Everything in a schema that belongs to no extension; an empty one when there is no such schema.

    Args:
        beside: another schema whose objects are printed without a prefix, too.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    # rolled back, so that the session's own search_path comes back
    with connection.transaction(force_rollback=True):
        path = ", ".join(quote(one) for one in (schema, beside) if one)
        connection.execute("SELECT set_config('search_path', %s, true)", (path,))
        return _Reader(connection, schema).read()


@dataclass(frozen=True, slots=True)
class _Reader:
    """One schema, while it is read."""

    connection: Connection
    schema: str

    def read(self) -> TargetSchema:
        sequences = self._sequences()
        columns = self._columns(sequences)
        triggers = self._grouped("triggers", PgTrigger)
        types = cast("list[tuple[str, str | None, tuple[str, ...]]]", self._rows("types"))
        return TargetSchema(
            name=self.schema,
            tables=self._tables(columns, triggers),
            views=self._views(columns, triggers),
            sequences={one.name: one for one in sequences.values() if one.schema == self.schema},
            functions=tuple(PgFunction(*cast("tuple[str, ...]", row)) for row in self._rows("functions")),
            enums={name: labels for name, base, labels in types if base is None},
            domains={name: base for name, base, _ in types if base is not None},
        )

    def _tables(
        self, columns: Mapping[str, list[PgColumn]], triggers: Mapping[str, list[PgTrigger]]
    ) -> dict[str, PgTable]:
        keys = self._grouped("keys", PgKey)
        foreign_keys = self._grouped("foreign_keys", PgForeignKey)
        checks = self._grouped("checks", PgCheck)
        indexes = self._grouped("indexes", PgIndex)
        return {
            name: PgTable(
                name,
                kind,
                logged,
                columns=tuple(columns[name]),
                primary_key=next((key for key in keys[name] if key.primary), None),
                unique=tuple(key for key in keys[name] if not key.primary),
                foreign_keys=tuple(foreign_keys[name]),
                checks=tuple(checks[name]),
                indexes=tuple(indexes[name]),
                triggers=tuple(triggers[name]),
            )
            for name, kind, logged in cast("list[tuple[str, str, bool]]", self._rows("tables"))
        }

    def _views(
        self, columns: Mapping[str, list[PgColumn]], triggers: Mapping[str, list[PgTrigger]]
    ) -> dict[str, PgView]:
        return {
            name: PgView(name, materialized, definition, tuple(columns[name]), tuple(triggers[name]))
            for name, materialized, definition in cast("list[tuple[str, bool, str]]", self._rows("views"))
        }

    def _columns(self, sequences: Mapping[object, PgSequence]) -> defaultdict[str, list[PgColumn]]:
        found: defaultdict[str, list[PgColumn]] = defaultdict(list)
        for table, sequence, *rest in self._rows("columns"):
            column = _made(PgColumn, rest)
            found[cast("str", table)].append(replace(column, sequence=sequences.get(sequence)))
        return found

    def _sequences(self) -> dict[object, PgSequence]:
        """By oid. A sequence is a one-row table, which says exactly where it is."""
        listed = self._rows("sequences")
        readable = [cast("tuple[str, str]", row[1:3]) for row in listed if row[-1]]
        states = [
            sql.SQL("SELECT {}, {}, last_value, is_called FROM {}").format(
                schema, name, sql.Identifier(schema, name)
            )
            for schema, name in readable
        ]
        found = self.connection.execute(sql.SQL(" UNION ALL ").join(states)).fetchall() if states else []
        known = {(schema, name): state for schema, name, *state in found}
        return {
            oid: _made(PgSequence, [schema, name, *rest, *known.get((schema, name), (None, False))])
            for oid, schema, name, *rest, _ in listed
        }

    def _grouped(self, query: str, make: Callable[..., _Made]) -> defaultdict[str, list[_Made]]:
        """What each row makes, by the table in the row's first field."""
        found: defaultdict[str, list[_Made]] = defaultdict(list)
        for table, *rest in self._rows(query):
            found[cast("str", table)].append(_made(make, rest))
        return found

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a query; arrays as tuples."""
        rows = self.connection.execute(_query(query), {"schema": self.schema}).fetchall()
        return [tuple(_frozen(value) for value in row) for row in rows]


def _made(make: Callable[..., _Made], fields: list[object]) -> _Made:
    """A value from a row whose fields stand in the order of its attributes."""
    return make(*fields)


def _frozen(value: object) -> object:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


@cache
def _query(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()
