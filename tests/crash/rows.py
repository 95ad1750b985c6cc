"""What both sides hold, in the same words."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import psycopg

from opskit.schema.names import quote
from tests.crash.checker import Found
from tests.crash.operations import SHAPES, Plain, State, Table
from tests.crash.workload import TOKENS

_GIVEN_SQLITE = "SELECT name, seq FROM sqlite_sequence"
_GIVEN_POSTGRESQL = """
SELECT replace(sequencename, '_id_seq', ''), last_value FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL
"""

_Ask = Callable[[str], Sequence[Sequence[Any]]]


def in_sqlite(file: Path, database: str) -> Found:
    """What a file holds; it may be closed or open."""
    with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return _found(database, lambda query: connection.execute(query).fetchall(), _GIVEN_SQLITE)


def in_postgresql(conninfo: str, database: str) -> Found:
    """What a database holds."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET timezone = 'UTC'")
        return _found(
            database, lambda query: connection.execute(query.encode()).fetchall(), _GIVEN_POSTGRESQL
        )


def unsound(file: Path) -> list[str]:
    """What SQLite itself finds wrong with a file: pages, foreign keys, full-text index against table."""
    with closing(apsw.Connection(str(file))) as connection:
        pages = [
            str(one) for (one,) in connection.execute("PRAGMA integrity_check").fetchall() if one != "ok"
        ]
        keys = [f"foreign key: {one}" for one in connection.execute("PRAGMA foreign_key_check").fetchall()]
        try:
            if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'found'").fetchall():
                connection.execute("INSERT INTO found (found, rank) VALUES ('integrity-check', 1)")
        except apsw.CorruptError as error:
            return [*pages, *keys, f"full-text index: {error}"]
        return [*pages, *keys]


def _found(database: str, ask: _Ask, given: str) -> Found:
    state: State = {}
    for name, table in SHAPES[database].items():
        listed = ", ".join(map(quote, table.columns))
        rows = (
            {column: _plain(table, column, value) for column, value in zip(table.columns, row, strict=True)}
            for row in ask(f"SELECT {listed} FROM {quote(name)}")
        )
        state[name] = {tuple(row[column] for column in table.key): row for row in rows}
    tokens = tuple((str(one), int(two)) for one, two in ask(f"SELECT writer, number FROM {TOKENS}"))
    return Found(state, tokens, {str(table): int(last) for table, last in ask(given)})


def _plain(table: Table, column: str, value: Any) -> Plain:
    if value is None:
        return None
    match table.kinds.get(column):
        case "json":
            return json.loads(value) if isinstance(value, str) else value
        case "bytes":
            return bytes(value).hex()
        case "boolean":
            return bool(value)
        case "moment":
            return str(value)[:19]
        case _:
            return value
