"""The same tables and rows on both engines, and the same view over them."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import apsw
import psycopg

from opskit.schema.model import Schema, View
from opskit.schema.names import map_names, quote
from opskit.schema.sqlite_file import rows as sqlite_rows
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.translation import ColumnTypes, Untranslatable, order_views, translate_view

TABLES = Path(__file__).with_name("tables.sql").read_text(encoding="utf-8")
TYPES: ColumnTypes = {
    "item": {
        "id": "bigint",
        "i": "bigint",
        "k": "bigint",
        "r": "double precision",
        "n": "numeric(10,2)",
        "s": "text",
        "w": "text",
        "nc": "text",
        "b": "boolean",
        "at": "timestamp with time zone",
        "on": "date",
        "iso": "text",
        "j": "text",
        "x": "bytea",
        "mixed": "text",
    },
    "part": {"item_id": "bigint", "name": "text", "amount": "bigint", "price": "numeric(10,2)"},
    "empty": {"id": "bigint", "i": "bigint", "r": "double precision"},
}


@dataclass(frozen=True, slots=True)
class Engines:
    """Both engines with the same content."""

    sqlite: apsw.Connection
    postgresql: psycopg.Connection

    def views(self, *statements: str) -> str:
        """Creates the views on both, and returns the first reason why one is refused (empty when none is)."""
        with self.postgresql.cursor() as cursor:
            for statement in statements:
                self.sqlite.execute(statement)
            schema = read_schema(self.sqlite)
            for view in order_views(schema):
                found = translate_view(view, schema, TYPES, map_names(schema))
                if isinstance(found, Untranslatable):
                    return found.reason
                cursor.execute(f"CREATE VIEW {quote(view.name)} AS {found.sql}".encode())
        return ""

    def schema(self) -> Schema:
        """What SQLite declares."""
        return read_schema(self.sqlite)

    def rows(self, view: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """The view's rows on SQLite and on PostgreSQL, comparable."""
        query = f"SELECT * FROM {quote(view)}"
        left = [tuple(row) for row in sqlite_rows(self.sqlite, query)]
        return left, self.values(query)

    def values(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a query on PostgreSQL, in SQLite's terms."""
        found = self.postgresql.execute(query.encode()).fetchall()
        return [tuple(in_sqlite_terms(one) for one in row) for row in found]

    def columns(self, view: View) -> list[str]:
        """The view's column names on PostgreSQL."""
        cursor = self.postgresql.execute(f"SELECT * FROM {quote(view.name)} LIMIT 0".encode())
        return [column.name for column in cursor.description or []]


def in_sqlite_terms(value: object) -> object:
    """A PostgreSQL value as SQLite held it."""
    if isinstance(value, bool | Decimal):
        return float(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def alike(left: object, right: object) -> bool:
    """Equal, numbers to the last bits that a different order of summation may change."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right or math.isclose(left, right, rel_tol=1e-12)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(alike(*pair) for pair in zip(left, right, strict=True))
    return type(left) is type(right) and left == right
