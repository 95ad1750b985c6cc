"""Tables and columns that came while a file is followed: made in PostgreSQL as a migration would make them.

Their rows come with the next drain, because the notes say that any of them may have changed.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import apsw
import psycopg
from psycopg import sql

from opskit.capture.follow import Follower
from opskit.capture.followed import Followed, FollowedTable
from opskit.capture.following import keep_followed, lock_place
from opskit.capture.sqlite_side import transaction
from opskit.capture.tracked import News, moved
from opskit.capture.watch import note_news, reading
from opskit.config import TypesProfile
from opskit.migrate.facts import Job
from opskit.migrate.source_facts import examine, open_copy
from opskit.migrate.stages import followed_table
from opskit.schema.design import ColumnDesign, Design, Rule, TableDesign, one_line
from opskit.schema.designer import design
from opskit.schema.model import Schema, ascii_fold
from opskit.schema.names import NameMap, map_names, quote
from opskit.schema.references import align_foreign_keys
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.sqlite_source import copy_source, room_for_copies
from opskit.schema.types import TypeChoice, candidates
from opskit.transfer.refusals import accepted, is_refusal
from opskit.transfer.target import Connection, server_words

_PATH = "SELECT set_config('search_path', %s, true)"
_GIVE = sql.SQL("ALTER TABLE {} OWNER TO {}")
_NOT_NULL = " NOT NULL"

Choices = Mapping[str, Mapping[str, TypeChoice]]


def adopt(one: Follower, job: Job, backups: Path) -> tuple[str, ...]:
    """Makes in PostgreSQL what came to the file; returns a sentence for each, and for what was left out.

    What goes or is renamed is not for this: the drain refuses it.

    Args:
        backups: where the file is copied to while what is new is examined.

    Raises:
        Refused: the file cannot be copied.
        apsw.Error: the file cannot be read or written.
        psycopg.Error: the server refused or went away.
    """
    file, writer = one.ends.reader, one.ends.writer
    with reading(file):
        news = tuple(moved(one.followed, read_schema(file)))
    if not news or any(new.gone for new in news):
        return ()
    with transaction(file):
        schema = read_schema(file)
        news = tuple(new for new in moved(one.followed, schema) if not new.gone)
        changed = {new.table for new in news}
        note_news(file, schema, changed)
    with room_for_copies(backups) as room:
        copy_source(job.source, room / "source.db")
        with closing(open_copy(room / "source.db")) as copy:
            choices = _choices(one.followed, job, schema, changed, copy)
    names = _names(one.followed, schema, fold=job.fold)
    drawn = accepted(writer, partial(design, schema, choices, names))
    with writer.transaction():
        writer.execute(_PATH, (f"{quote(job.schema)}, pg_catalog",))
        left_out = tuple(_make(writer, drawn, news, job.heir))
        number = lock_place(writer, job.schema)
        one.followed = replace(_followed(one.followed, schema, drawn, changed), number=number)
        keep_followed(writer, job.schema, one.followed)
    return (*(f"{new}: made in PostgreSQL" for new in news), *left_out)


def _choices(
    followed: Followed, job: Job, schema: Schema, changed: Container[str], copy: apsw.Connection
) -> Choices:
    """The types that stand, and those for what is new as its values say."""
    examined = {table.name: examine(copy, table, job) for table in schema.tables if table.name in changed}
    choices = {
        table.name: {
            column.name: TypeChoice(candidates(column, job.types)[0], "as declared")
            for column in table.columns
        }
        for table in schema.tables
    }
    for name, one in examined.items():
        choices[name].update(one.choices)
    for table in followed.tables:
        for column in table.columns:
            choices[table.source][column.source] = TypeChoice(column.pg_type, "as it stands in the target")
    if job.types is not TypesProfile.NATIVE:
        return choices
    known = {table.source for table in followed.tables}
    tables = (replace(one, foreign_keys=()) if one.name in known else one for one in schema.tables)
    held = {name: one.profile.columns for name, one in examined.items()}
    return align_foreign_keys(replace(schema, tables=tuple(tables)), held, choices)


def _names(followed: Followed, schema: Schema, *, fold: bool) -> NameMap:
    """The names that stand, and for what is new those that a migration would give."""
    names = map_names(schema, fold=fold)
    relations = {ascii_fold(table.source): table.target for table in followed.tables}
    columns = {
        ascii_fold(table.source): {
            **names.columns.get(ascii_fold(table.source), {}),
            **{ascii_fold(column.source): column.target for column in table.columns},
        }
        for table in followed.tables
    }
    return replace(names, relations={**names.relations, **relations}, columns={**names.columns, **columns})


def _followed(followed: Followed, schema: Schema, drawn: Design, changed: Container[str]) -> Followed:
    """With what has been made."""
    known = {table.source: table for table in followed.tables}
    known |= {
        table.source: _again(known.get(table.source), followed_table(drawn, table))
        for table in drawn.tables
        if table.source in changed
    }
    left = tuple(table.name for table in schema.tables if table.name not in known)
    return replace(followed, tables=tuple(known.values()), left=left)


def _again(known: FollowedTable | None, drawn: FollowedTable) -> FollowedTable:
    """A table of which columns were made is otherwise what it was."""
    return drawn if known is None else replace(drawn, rejects=known.rejects, generator=known.generator)


def _make(writer: Connection, drawn: Design, news: Collection[News], heir: str | None) -> Iterator[str]:
    """Makes what is new; yields a sentence for each rule that the server refuses."""
    tables = {new.table for new in news if new.column is None}
    for table in drawn.tables:
        columns = [new.column for new in news if new.table == table.source]
        if table.source in tables:
            writer.execute(table.create.encode())
            if heir is not None:
                writer.execute(_GIVE.format(sql.Identifier(table.target), sql.Identifier(heir)))
        elif columns:
            added = [column for column in table.columns if column.source in columns]
            yield from _add_columns(writer, table, added, drawn.rules)
    for rule in drawn.rules:
        if rule.table in tables:
            yield from _add_rule(writer, rule)


def _add_columns(
    writer: Connection, table: TableDesign, added: Sequence[ColumnDesign], rules: Iterable[Rule]
) -> Iterator[str]:
    """Adds columns, then the rules that speak of them; what must not be NULL is its default in all rows."""
    name = quote(table.target)
    for column in added:
        definition = column.definition.removesuffix(_NOT_NULL)
        writer.execute(f"ALTER TABLE {name} ADD COLUMN {definition}".encode())
    for rule in rules:
        if rule.table == table.source and any(quote(column.target) in rule.statement for column in added):
            yield from _add_rule(writer, rule)
    for column in added:
        if column.definition.endswith(_NOT_NULL):
            this = quote(column.target)
            writer.execute(f"UPDATE {name} SET {this} = DEFAULT".encode())
            writer.execute(f"ALTER TABLE {name} ALTER COLUMN {this} SET NOT NULL".encode())


def _add_rule(writer: Connection, rule: Rule) -> Iterator[str]:
    try:
        with writer.transaction():
            writer.execute(rule.statement.encode())
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        yield f"{rule} was left out: {server_words(error)}; its SQL is {one_line(rule.statement)}"
