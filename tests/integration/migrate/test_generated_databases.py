"""Whatever a SQLite database holds arrives with its meaning, or is named: databases made up by hypothesis.

Nothing here knows how opskit renders or compares. Both sides are read with their own drivers; `MEANS` says
what a value may have become, `keeps_its_class` what must be told. GENERATED_EXAMPLES=1000 looks for new ones.
"""

import io
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, redirect_stdout, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import eq
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import apsw
import psycopg
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from psycopg.types.json import set_json_loads

from opskit.cli.main import run
from opskit.host.private_cluster import PrivateCluster
from opskit.schema.names import quote
from tests.generators import Statements, build, databases

EXAMPLES = settings(
    max_examples=int(os.environ.get("GENERATED_EXAMPLES", "30")),
    derandomize="GENERATED_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


# What a value may become


@dataclass(frozen=True, slots=True)
class Unfit:
    """A text that PostgreSQL cannot hold as text: no UTF-8, or with a NUL."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Json:
    """What stands in a json or jsonb column."""

    text: str | bytes

    def means(self, source: str | float) -> bool:
        """SQLite keeps a JSON number in a column without TEXT affinity as a number."""
        document = source if isinstance(source, str) else repr(source)
        return json.loads(document, parse_float=Decimal) == json.loads(self.text, parse_float=Decimal)


def instant(text: str) -> datetime:
    """ISO text; without a zone it is UTC, which is what SQLite's own functions take it for."""
    moment = datetime.fromisoformat(text.strip().replace(" +", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def same_bits(source: float, held: float) -> bool:
    return struct.pack("d", source) == struct.pack("d", held)


MEANS: Mapping[tuple[type, type], Callable[[Any, Any], bool]] = {
    (int, int): eq,
    (int, bool): eq,
    (int, float): eq,
    (int, Decimal): eq,
    (int, str): lambda number, text: text == str(number),
    (int, bytes): lambda number, data: data.decode() == str(number),
    (int, Json): lambda number, document: document.means(number),
    (float, int): eq,
    (float, bool): eq,
    (float, float): same_bits,
    (float, Decimal): lambda number, decimal: decimal == Decimal(repr(number)),
    (float, str): lambda number, text: float(text) == number,
    (float, bytes): lambda number, data: float(data) == number,
    (float, Json): lambda number, document: document.means(number),
    (str, str): eq,
    (str, bytes): lambda text, data: data == text.encode(),
    (str, datetime): lambda text, moment: moment == instant(text),
    (str, date): lambda text, day: day.isoformat() == text,
    (str, Json): lambda text, document: document.means(text),
    (str, UUID): lambda text, number: number == UUID(text),
    (bytes, bytes): eq,
    (Unfit, bytes): lambda unfit, data: data == unfit.data,
}
"""What SQLite held and PostgreSQL holds → is it the same? Nothing is rounded, cut or moved in time."""


def means(source: object, held: object) -> bool:
    """Has a PostgreSQL value the meaning of a SQLite value?"""
    if source is None or held is None:
        return source is held
    same = MEANS.get((type(source), type(held)))
    return same is not None and same(source, held)


def keeps_its_class(source: object, held: object, types: str) -> bool:
    """Does a program read the value as it did before, or as the column's declaration promises?"""
    if types == "same":  # no column of PostgreSQL's is an integer here and a double there
        return type(source) is type(held) or isinstance(held, float)
    match source:
        case int() | float():
            return isinstance(held, int | float | Decimal | Json)
        case str():
            return isinstance(held, str | datetime | date | Json | UUID)
        case _:
            return type(source) is type(held)


# Both sides, each read with its own driver


Row = tuple[object, ...]


def read_source(connection: apsw.Connection, relation: str, columns: Sequence[str]) -> list[Row]:
    """The rows of a table or view, text by its bytes."""
    fields = [
        f"typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"
        for name in map(quote, columns)
    ]
    found = connection.execute(f"SELECT {', '.join(fields)} FROM {quote(relation)}").fetchall()
    return [tuple(map(as_read, row[::2], row[1::2])) for row in found]


def as_read(storage: str, value: object) -> object:
    if storage != "text" or not isinstance(value, bytes):
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return Unfit(value)
    return Unfit(value) if "\0" in text else text


def read_target(connection: psycopg.Connection[Row], relation: str, fields: str) -> list[Row]:
    name = quote(relation.removeprefix("public."))
    return connection.execute(f"SELECT {fields} FROM public.{name}".encode()).fetchall()


def paired(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each row of SQLite's with one of PostgreSQL's that means the same; none is left on either side."""
    left = list(after)
    pairs: list[tuple[Row, Row]] = []
    for row in before:
        found = next((held for held in left if all(map(means, row, held))), None)
        assert found is not None, (row, left)
        left.remove(found)
        pairs.append((row, found))
    assert not left, left
    return pairs


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an opskit command ended."""

    code: int
    document: dict[str, Any]

    @property
    def told(self) -> list[str]:
        """Every sentence that names something to the operator."""
        return [*self.document["warnings"], *(error["message"] for error in self.document["errors"])]


def opskit(*arguments: str | Path) -> Outcome:
    """The command line in this process."""
    with redirect_stdout(io.StringIO()) as stdout:
        code = run([*map(str, arguments), "-q", "--progress", "none", "-o", "json"])
    return Outcome(code, json.loads(stdout.getvalue()))


# The specification


@dataclass(frozen=True, slots=True)
class Migrated:
    """A migration that went through, both sides open."""

    source: apsw.Connection
    target: psycopg.Connection[Row]
    outcome: Outcome
    types: str

    def relations(self, kind: str) -> Iterator[tuple[str, list[str]]]:
        """Tables or views with their columns; none for a view that is broken in SQLite itself."""
        statement = "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
        for (name,) in self.source.execute(statement, (kind,)).fetchall():
            columns: list[str] = []
            with suppress(apsw.SQLError):
                columns = [
                    row[1] for row in self.source.execute(f"PRAGMA table_xinfo({quote(name)})").fetchall()
                ]
            yield name, columns

    def is_told(self, name: str) -> bool:
        return any(name in sentence for sentence in self.outcome.told)

    def every_row_of_a_table_arrived(self, table: str, columns: list[str]) -> None:
        names = self.outcome.document["result"]["name_map"]
        renamed = names["columns"].get(table, {})
        fields = ", ".join(quote(renamed.get(column, column)) for column in columns)
        held_rows = read_target(self.target, names["tables"].get(table, table), fields)
        for row, held_row in paired(read_source(self.source, table, columns), held_rows):
            for column, value, held in zip(columns, row, held_row, strict=True):
                name = f"column {column} of table {table}"
                assert keeps_its_class(value, held, self.types) or self.is_told(name), (name, value, held)

    def a_view_shows_the_same_or_is_told(self, view: str, columns: list[str]) -> None:
        target = self.outcome.document["result"]["name_map"]["tables"].get(view, view)
        views = self.target.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'").fetchall()
        if (target.removeprefix("public."),) in views:
            paired(read_source(self.source, view, columns), read_target(self.target, target, "*"))
        else:
            assert self.is_told(f"view {view}"), view


@pytest.fixture(scope="module")
def target(postgresql: PrivateCluster) -> Iterator[psycopg.Connection[Row]]:
    postgresql.create_database("generated")
    with psycopg.connect(postgresql.conninfo("generated"), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        set_json_loads(Json, connection)
        yield connection


def migrated_whole(
    target: psycopg.Connection[Row], conninfo: str, statements: Statements, types: str
) -> Outcome:
    """Migrates a database and holds the result against the specification."""
    target.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPSKIT_STATE_DIR", f"{scratch}/state")
        file = build(Path(scratch, "source.db"), statements)
        outcome = opskit("migrate", file, conninfo, "--types", types, "--yes")
        note(";\n".join([*statements, f"-- {outcome}"]))
        if outcome.code:
            return outcome
        with closing(apsw.Connection(str(file))) as source:
            migrated = Migrated(source, target, outcome, types)
            for table, columns in migrated.relations("table"):
                migrated.every_row_of_a_table_arrived(table, columns)
            for view, columns in migrated.relations("view"):
                migrated.a_view_shows_the_same_or_is_told(view, columns)
        verified = opskit("verify", file, conninfo)
        assert verified.code == 0, verified
    return outcome


@pytest.mark.parametrize("types", ["native", "same"])
@pytest.mark.parametrize("bad_text", [False, True])
@EXAMPLES
@given(data=st.data())
def test_every_value_arrives_or_is_named(
    target: psycopg.Connection[Row],
    postgresql: PrivateCluster,
    types: str,
    data: st.DataObject,
    *,
    bad_text: bool,
) -> None:
    statements = data.draw(databases(bad_text=bad_text))
    outcome = migrated_whole(target, postgresql.conninfo("generated"), statements, types)
    if outcome.code:  # computed columns too may hold text that is none
        errors = outcome.document["errors"]
        assert {error["code"] for error in errors} == {"unfit_text"}, outcome
        assert all(error["where"] for error in errors)
