"""Triggers do the same on both engines: the same statements leave the same rows in every table."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import psycopg
import pytest

from opskit.config import TypesProfile
from opskit.schema.design import Design
from opskit.schema.designer import design
from opskit.schema.model import Schema, Table, ascii_fold
from opskit.schema.names import map_names, quote
from opskit.schema.sqlite_file import rows
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.translation import TriggerTranslation, Untranslatable, translate_trigger
from opskit.schema.types import TypeChoice, candidates
from tests.conftest import TestDatabase
from tests.integration.translation.engines import alike, in_sqlite_terms

_FILE = Path(__file__).with_name("triggers.sql").read_text(encoding="utf-8")
SECTIONS: dict[str, str] = dict(re.findall(r"^--- (.+)\n((?:(?!--- ).*\n)+)", _FILE, re.MULTILINE))
TOUCH = """
CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT, n INTEGER DEFAULT 0);
CREATE TRIGGER touched AFTER UPDATE ON note BEGIN UPDATE note SET n = n + 1 WHERE id = NEW.id; END;
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A SQLite database and what a migration makes of it."""

    sqlite: apsw.Connection
    postgresql: psycopg.Connection
    schema: Schema

    def run(self, statement: str) -> tuple[str, str]:
        """Runs the statement on both; the errors, empty where there is none."""
        return _sqlite_error(self.sqlite, statement), _postgresql_error(self.postgresql, statement)

    def contents(self, table: Table) -> tuple[Sequence[object], Sequence[object]]:
        """The table's rows on both, comparable."""
        left = rows(self.sqlite, f"SELECT * FROM {quote(table.name)}")
        right = self.postgresql.execute(f"SELECT * FROM app.{quote(table.name)}".encode()).fetchall()
        return _comparable(left), _comparable(right)


def _comparable(found: Sequence[Sequence[object]]) -> list[tuple[object, ...]]:
    return sorted((tuple(_without_clock(in_sqlite_terms(one)) for one in row) for row in found), key=repr)


def _without_clock(value: object) -> object:
    """The present as a word."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value):
        return float(value) if isinstance(value, int) else value
    age = datetime.now(UTC) - datetime.fromisoformat(f"{value}+00:00")
    return "now" if abs(age) < timedelta(minutes=10) else value


def _sqlite_error(connection: apsw.Connection, statement: str) -> str:
    try:
        connection.execute(statement)
    except apsw.Error as error:
        return str(error)
    return ""


def _postgresql_error(connection: psycopg.Connection, statement: str) -> str:
    try:
        with connection.transaction():
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.diag.message_primary or "an error"
    return ""


def _types(schema: Schema) -> dict[str, dict[str, TypeChoice]]:
    return {
        table.name: {
            column.name: TypeChoice(candidates(column, TypesProfile.NATIVE)[0], "declared")
            for column in table.columns
        }
        for table in schema.tables
    }


def translations(schema: Schema) -> list[TriggerTranslation]:
    """Every trigger, translated."""
    names = map_names(schema)
    types = {
        ascii_fold(table): {ascii_fold(column): choice.pg_type for column, choice in columns.items()}
        for table, columns in _types(schema).items()
    }
    found = [translate_trigger(trigger, schema, types, names) for trigger in schema.triggers]
    assert [one.reason for one in found if isinstance(one, Untranslatable)] == []
    return [one for one in found if isinstance(one, TriggerTranslation)]


def _statements(made: Design, triggers: Sequence[TriggerTranslation]) -> Iterator[str]:
    """A migration: made in a staging schema, moved object by object, functions fixed to where they are."""
    yield "CREATE SCHEMA staging; CREATE SCHEMA app; SET search_path = staging"
    yield from (table.create for table in made.tables)
    yield from (rule.statement for rule in made.rules)
    yield from (view.statement for view in made.views)
    yield from (statement for trigger in triggers for statement in trigger.statements)
    yield from (f"ALTER TABLE {quote(table.target)} SET SCHEMA app" for table in made.tables)
    yield from (f"ALTER VIEW {quote(view.target)} SET SCHEMA app" for view in made.views)
    for trigger in triggers:
        yield f"ALTER FUNCTION {quote(trigger.function)}() SET SCHEMA app"
        yield f"ALTER FUNCTION app.{quote(trigger.function)}() SET search_path = app, pg_temp"
    yield "DROP SCHEMA staging; SET search_path = app"


def _migrated(sqlite: apsw.Connection, postgresql: psycopg.Connection, tables: str) -> Pair:
    sqlite.execute("PRAGMA foreign_keys = ON")
    sqlite.execute(tables)
    schema = read_schema(sqlite)
    triggers = translations(schema)
    for statement in _statements(design(schema, _types(schema), map_names(schema)), triggers):
        postgresql.execute(statement.encode())
    return Pair(sqlite, postgresql, schema)


@pytest.fixture
def engines(database: TestDatabase) -> Iterator[tuple[apsw.Connection, psycopg.Connection]]:
    with (
        closing(apsw.Connection(":memory:")) as sqlite,
        psycopg.connect(database.conninfo, autocommit=True) as postgresql,
    ):
        yield sqlite, postgresql


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_the_same_statements_leave_the_same_rows(
    engines: tuple[apsw.Connection, psycopg.Connection], section: str
) -> None:
    tables, statements = section.split("-->\n")
    pair = _migrated(*engines, tables)
    for statement in filter(None, statements.splitlines()):
        left, right = pair.run(statement)
        assert bool(left) == bool(right), f"{statement}: {left or 'no error'}, {right or 'no error'}"
        assert "RAISE" not in tables or left == right, statement
        for table in pair.schema.tables:
            content = pair.contents(table)
            assert alike(*map(tuple, content)), f"{table.name} after {statement}: {content}"


def test_a_function_finds_its_tables_whatever_the_session_says(
    engines: tuple[apsw.Connection, psycopg.Connection],
) -> None:
    pair = _migrated(*engines, TOUCH)
    pair.postgresql.execute("CREATE TEMP TABLE note (id bigint, body text, n bigint); SET search_path = ''")
    pair.postgresql.execute("INSERT INTO app.note (body) VALUES ('x'); UPDATE app.note SET body = 'y'")
    assert pair.postgresql.execute("SELECT body, n FROM app.note").fetchall() == [("y", 1)]


def test_a_trigger_fires_again_after_one_of_its_statements_failed(
    engines: tuple[apsw.Connection, psycopg.Connection],
) -> None:
    pair = _migrated(*engines, TOUCH.replace("n INTEGER DEFAULT 0", "n INTEGER DEFAULT 0 CHECK (n < 5)"))
    pair.run("INSERT INTO note (n) VALUES (0)")
    with pair.postgresql.transaction():
        assert all(pair.run("UPDATE note SET n = 4"))
        assert pair.run("UPDATE note SET n = 2") == ("", "")
    assert pair.postgresql.execute("SELECT n FROM note").fetchall() == [(3,)]


def test_a_refusal_is_an_integrity_error_as_it_is_in_sqlite(
    engines: tuple[apsw.Connection, psycopg.Connection],
) -> None:
    pair = _migrated(
        *engines, TOUCH.replace("UPDATE note SET n = n + 1 WHERE id = NEW.id", "SELECT RAISE(ABORT, 'no')")
    )
    pair.run("INSERT INTO note (body) VALUES ('x')")
    with pytest.raises(psycopg.IntegrityError, match="no"):
        pair.postgresql.execute("UPDATE note SET body = 'y'")
    with pytest.raises(apsw.ConstraintError, match="no"):
        pair.sqlite.execute("UPDATE note SET body = 'y'")


def test_a_plain_role_can_make_them(
    engines: tuple[apsw.Connection, psycopg.Connection], database: TestDatabase
) -> None:
    owner = f"owner_{database.name}"
    with closing(psycopg.connect(database.conninfo, autocommit=True)) as superuser:
        superuser.execute(
            f"CREATE ROLE {owner}; GRANT CREATE ON DATABASE {database.name} TO {owner}".encode()
        )
        try:
            engines[1].execute(f"SET ROLE {owner}".encode())
            pair = _migrated(*engines, TOUCH)
            assert pair.run("INSERT INTO note (body) VALUES ('x')") == ("", "")
            assert pair.run("UPDATE note SET body = 'y'") == ("", "")
            assert pair.contents(pair.schema.table("note"))[1] == [(1.0, "y", 1.0)]
        finally:
            superuser.execute(f"DROP OWNED BY {owner}; DROP ROLE {owner}".encode())
