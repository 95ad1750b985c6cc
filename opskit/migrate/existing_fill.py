"""Moves staged rows into the application's own tables: one transaction, at whose end its rules hold."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from opskit.errors import QueryFailed
from opskit.migrate.existing_steps import Fill, FilledTable, KeyGenerator
from opskit.transfer.target import Connection, server_words

LOCK_WAIT = "30s"
"""How long an application that still uses its tables is waited for."""

_TRIGGERS: LiteralString = """
SELECT c.relname::text, t.tgname::text, t.tgenabled = 'A'
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = ANY (%s) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
  AND t.tgparentid = 0
"""


def fill(connection: Connection, step: Fill) -> None:
    """Moves the rows, and leaves the transaction open for `commit` or a rollback.

    Raises:
        QueryFailed: rows break a rule of the application's schema, or its tables have changed meanwhile.
        psycopg.Error: the server refused or went away.
    """
    connection.execute("BEGIN")
    connection.execute("SET LOCAL synchronous_commit = on")
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
    _lock(connection, step)
    with _triggers_at_rest(connection, step), _checked_at_the_end(connection, step):
        for table in reversed(step.tables):
            _make_room(connection, step, table)
        for table in step.tables:
            _move(connection, step, table)
    for table in step.tables:
        for generator in table.generators:
            _go_on(connection, sql.Identifier(step.schema, table.target), generator)
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(step.schema, table.target)))
    connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(step.staging)))


def _lock(connection: Connection, step: Fill) -> None:
    names = sql.SQL(", ").join(sql.Identifier(step.schema, table.target) for table in step.tables)
    connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(names))


@contextmanager
def _triggers_at_rest(connection: Connection, step: Fill) -> Generator[None]:
    """The application's triggers have done their work in SQLite already; its foreign keys stay at work."""
    names = [table.target for table in step.tables]
    found = connection.execute(_TRIGGERS, (step.schema, names)).fetchall()
    triggers = cast("list[tuple[str, str, bool]]", found)
    for table, trigger, _ in triggers:
        _alter(connection, step, table, sql.SQL("DISABLE TRIGGER {}").format(sql.Identifier(trigger)))
    yield
    for table, trigger, always in triggers:
        enable = sql.SQL("ENABLE ALWAYS TRIGGER {}" if always else "ENABLE TRIGGER {}")
        _alter(connection, step, table, enable.format(sql.Identifier(trigger)))


@contextmanager
def _checked_at_the_end(connection: Connection, step: Fill) -> Generator[None]:
    """Foreign keys in a circle wait until all tables are filled; how they were declared comes back."""
    for table, key in step.circular:
        waiting = sql.SQL("ALTER CONSTRAINT {} DEFERRABLE INITIALLY DEFERRED")
        _alter(connection, step, table, waiting.format(sql.Identifier(key.name)))
    yield
    with _named_violations():
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, key in step.circular:
        deferrable = "DEFERRABLE" if key.deferrable else "NOT DEFERRABLE"
        initially = "DEFERRED" if key.initially_deferred else "IMMEDIATE"
        restored = sql.SQL("ALTER CONSTRAINT {} {} INITIALLY {}").format(
            sql.Identifier(key.name), sql.SQL(deferrable), sql.SQL(initially)
        )
        _alter(connection, step, table, restored)


def _alter(connection: Connection, step: Fill, table: str, change: sql.Composed) -> None:
    connection.execute(sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(step.schema, table), change))


def _make_room(connection: Connection, step: Fill, table: FilledTable) -> None:
    """Removes the rows that are replaced; the table is locked, and must hold what it held for the plan."""
    if not table.rows:
        return
    name = sql.Identifier(step.schema, table.target)
    counted = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) rows").format(name, table.replaced + 1)
    if connection.execute(counted).fetchone() != (table.replaced,):
        raise QueryFailed.of(
            "target_changed",
            f"table {table.target} has got other rows since the plan was made",
            hint="stop the application on PostgreSQL, then run again",
            where=table.target,
        )
    if table.replaced:
        with _named_violations():
            connection.execute(sql.SQL("DELETE FROM {}").format(name))


def _move(connection: Connection, step: Fill, table: FilledTable) -> None:
    if not table.rows:
        return
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
        sql.Identifier(step.schema, table.target),
        columns := sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        columns,
        sql.Identifier(step.staging, table.target),
    )
    with _named_violations():
        moved = connection.execute(statement).rowcount
    if moved != table.rows:
        raise QueryFailed.of(
            "rows_lost",
            f"table {table.target}: {table.rows} rows staged, {moved} moved in",
            where=table.source,
        )


@contextmanager
def _named_violations() -> Generator[None]:
    """Says which table, rule and key it is when rows break a rule of the application's schema."""
    try:
        yield
    except psycopg.IntegrityError as error:
        table, rule = error.diag.table_name or "", error.diag.constraint_name or error.diag.column_name or ""
        raise QueryFailed.of(
            "rule_broken",
            f"table {table}, {rule}: {server_words(error)}",
            hint="mend the rows in SQLite, or relax the rule in the target, then run again",
            where=table,
        ) from error


def _go_on(connection: Connection, table: sql.Identifier, generator: KeyGenerator) -> None:
    """Makes the next key one that no row has, as part of the transaction (which setval is not)."""
    sequence = generator.sequence
    name = sql.Identifier(sequence.schema, sequence.name)
    state = sql.SQL(
        "SELECT CASE WHEN is_called THEN last_value + {step} ELSE last_value END,"
        " (SELECT max({column}) FROM {table})::bigint FROM {name}"
    ).format(step=sequence.increment, column=sql.Identifier(generator.column), table=table, name=name)
    coming, highest = cast("tuple[int, int | None]", connection.execute(state).fetchone())
    keys = [key for key in (highest, generator.last_key) if key is not None]
    wanted = min(max(keys, default=coming) + sequence.increment, sequence.maximum)
    if keys and wanted > coming:
        connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART WITH {}").format(name, wanted))


def commit(connection: Connection) -> None:
    """Makes visible what `fill` moved.

    Raises:
        psycopg.Error: the server went away; whether it has committed only a new connection can tell.
    """
    connection.execute("COMMIT")


def take_back(connection: Connection) -> None:
    """Undoes `fill` unless it is committed; a lost connection has done it already."""
    if not connection.closed and not connection.broken:
        connection.rollback()


def check_not_committed(connection: Connection, staging: str) -> None:
    """Finds out that a commit has not happened: the staging schema goes with it.

    Raises:
        QueryFailed: it has happened, and cannot be taken back.
    """
    connection.rollback()
    staged = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = %s", (staging,))
    if staged.fetchone() is None:
        raise QueryFailed.of(
            "committed",
            "the rows have been moved in, whole and proven",
            hint="`opskit verify` shows it; migrate only the other databases (--database)",
        )
