"""Reads what a PostgreSQL schema holds, as far as a comparison needs it."""

from functools import cache
from importlib.resources import files
from typing import cast

import psycopg

from opskit.schema.target_schema import TargetSchema

_SQL = files("opskit.schema") / "sql"


def read_target_schema(connection: "psycopg.Connection[tuple[object, ...]]", schema: str) -> TargetSchema:
    """The tables of a schema that belong to no extension.

    Raises:
        psycopg.Error: the server refused or went away.
    """
    columns: dict[str, dict[str, str]] = {}
    for row in connection.execute(_query("columns"), {"schema": schema}):
        table, column, kind = cast("tuple[str, str | None, str | None]", row)
        found = columns.setdefault(table, {})
        if column is not None and kind is not None:
            found[column] = kind
    keys = cast(
        "list[tuple[str, list[str]]]",
        connection.execute(_query("primary_keys"), {"schema": schema}).fetchall(),
    )
    return TargetSchema(columns, {table: tuple(key) for table, key in keys})


@cache
def _query(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()
