"""Whatever a SQLite database holds arrives with its meaning, or is named: databases made up by hypothesis.

`tests.oracle` says what a value may have become; here stands what must hold of tables and views, and what is
to be told. GENERATED_EXAMPLES=1000 looks for new examples, and makes failing ones small.
"""

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from psycopg.types.json import set_json_loads

from opskit.cli.main import run
from opskit.host.private_cluster import PrivateCluster
from opskit.schema.names import quote
from tests.generators import Statements, build, databases
from tests.oracle import (
    Json,
    Row,
    Unfit,
    as_rejected,
    keeps_its_class,
    paired,
    read_rejects,
    read_source,
    read_target,
)

SEARCHING = "GENERATED_EXAMPLES" in os.environ
EXAMPLES = settings(
    max_examples=int(os.environ.get("GENERATED_EXAMPLES", "30")),
    phases=[Phase.generate, *([Phase.shrink] if SEARCHING else [])],
    derandomize=not SEARCHING,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


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
        pairs, alone = paired(read_source(self.source, table, columns), held_rows)
        for row, held_row in pairs:
            for column, value, held in zip(columns, row, held_row, strict=True):
                name = f"column {column} of table {table}"
                assert keeps_its_class(value, held, self.types) or self.is_told(name), (name, value, held)
        for row in alone:
            assert any(isinstance(value, Unfit) for value in row), (table, row, held_rows)
            assert self.is_told(f"table {table}: {len(alone)} row"), table
            self.was_set_aside({name: as_rejected(value) for name, value in zip(columns, row, strict=True)})

    def was_set_aside(self, row: Mapping[str, object]) -> None:
        """Is the row, apart from what PostgreSQL computes itself, among the rejects?"""
        kept = [{name: row.get(name) for name in reject} == reject for reject in read_rejects(self.target)]
        assert any(kept), row

    def a_view_shows_the_same_or_is_told(self, view: str, columns: list[str]) -> None:
        if self.is_told(f"view {view}"):
            return
        target = self.outcome.document["result"]["name_map"]["tables"].get(view, view)
        shown = read_target(self.target, target, "*")
        _, alone = paired(read_source(self.source, view, columns), shown)
        assert not alone, (view, alone, shown)


@pytest.fixture(scope="module")
def target(postgresql: PrivateCluster) -> Iterator[psycopg.Connection[Row]]:
    postgresql.create_database("generated")
    with psycopg.connect(postgresql.conninfo("generated"), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        set_json_loads(Json, connection)
        yield connection


def migrated_whole(
    target: psycopg.Connection[Row], conninfo: str, statements: Statements, types: str, *names: str
) -> Outcome:
    """Migrates a database and holds the result against the specification."""
    target.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPSKIT_STATE_DIR", f"{scratch}/state")
        file = build(Path(scratch, "source.db"), statements)
        outcome = opskit("migrate", file, conninfo, "--types", types, "--yes", *names)
        if outcome.code:
            return outcome
        with closing(apsw.Connection(str(file))) as source:
            migrated = Migrated(source, target, outcome, types)
            for table, columns in migrated.relations("table"):
                migrated.every_row_of_a_table_arrived(table, columns)
            for view, columns in migrated.relations("view"):
                migrated.a_view_shows_the_same_or_is_told(view, columns)
        verified = opskit("verify", file, conninfo, *names)
        assert verified.code == 0, verified.document["result"]
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
    names = ["--fold"] if data.draw(st.booleans()) else []
    note(";\n".join(statements))
    outcome = migrated_whole(target, postgresql.conninfo("generated"), statements, types, *names)
    assert outcome.code == 0, outcome


FOUND: dict[str, Statements] = {
    "a file that ends in zeros": ("CREATE TABLE t (a)", f"INSERT INTO t VALUES (x'{'ff' * 9000}')"),
    "an infinite default": ("CREATE TABLE t (a REAL DEFAULT 1e400, b DECIMAL(3) DEFAULT 1e400)",),
    "a default that a type would round": ("CREATE TABLE t (a DECIMAL(3) DEFAULT 1.5, b INT DEFAULT 0.5)",),
    "reals among blobs in UTF-16": (
        "PRAGMA encoding = 'UTF-16'",
        "CREATE TABLE t (a)",
        "INSERT INTO t VALUES (x'00'), ('ab'), (1), (0.5), (9e999)",
    ),
    "a rejected row of a table named in per cent": (
        'CREATE TABLE "%s" (a TEXT)',
        "INSERT INTO \"%s\" VALUES (CAST(x'ff' AS TEXT))",
    ),
    "a view of a text that is none": (
        "CREATE TABLE t (a)",
        "INSERT INTO t VALUES (x'00'), (CAST(x'c3' AS TEXT))",
        "CREATE VIEW v AS SELECT a FROM t",
    ),
    "a date that is no text": ("CREATE TABLE t (a DATE)", "INSERT INTO t VALUES (CAST(x'ff' AS TEXT))"),
    "a rejected row with a computed column": (
        "CREATE TABLE t (a TEXT, b TEXT AS (a || '!') STORED)",
        "INSERT INTO t (a) VALUES (CAST(x'ff' AS TEXT)), ('x')",
    ),
    "columns without names": ('CREATE TABLE t ("" INT)', 'CREATE VIEW v AS SELECT date("") FROM t'),
    "keys that hold NULL": ("CREATE TABLE t (a DATETIME, PRIMARY KEY (a))", "INSERT INTO t VALUES (NULL)"),
}
"""Databases that did not arrive once, each the smallest of its kind."""


@pytest.mark.parametrize("types", ["native", "same"])
@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_before(
    target: psycopg.Connection[Row], postgresql: PrivateCluster, name: str, types: str
) -> None:
    outcome = migrated_whole(target, postgresql.conninfo("generated"), FOUND[name], types)
    assert outcome.code == 0, outcome
