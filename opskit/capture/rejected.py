"""Rows of a followed table that PostgreSQL cannot hold: kept beside it as they are now."""

import json
from collections.abc import Iterator
from dataclasses import replace

from psycopg import sql

from opskit.capture.tracked import Tracked
from opskit.errors import Fault, QueryFailed
from opskit.schema.sqlite_file import rows
from opskit.transfer.copied import Copied
from opskit.transfer.rejects import find_lines, json_value, read_rejects
from opskit.transfer.set_aside import keep_rejects, make_rejects_table
from opskit.transfer.tables import SourceTable
from opskit.transfer.workers import Ends

_DELETE = sql.SQL("DELETE FROM {} WHERE row @> ANY (%s::jsonb[])")
_DELETE_ALL = sql.SQL("DELETE FROM {}")
_OTHER_OWNER = """
SELECT tableowner FROM pg_tables WHERE schemaname = %s AND tablename = %s AND tableowner <> current_user
"""
_KEYS = sql.SQL("SELECT key FROM {}")
_OWNER = sql.SQL("ALTER TABLE {} OWNER TO {}")


def keep_rejected(
    ends: Ends, table: Tracked, source: SourceTable, copied: Copied, done: int | None, *, sets_aside: bool
) -> None:
    """Brings the table of rejects up to date, after rows were copied.

    Args:
        source: the rows that were read.
        copied: what became of them.
        done: they are those that the notes behind this one tell; None: they are all.

    Raises:
        QueryFailed: there are some, and they may not be set aside.
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    name = _name(table)
    stands = _stands(ends, name)
    if stands and done is None:
        ends.writer.execute(_DELETE_ALL.format(name))
    elif stands and done is not None:
        ends.writer.execute(_DELETE.format(name), (list(_keys(ends, table, done)),))
    if not copied.set_aside:
        return
    key = table.model.primary_key
    read = read_rejects(ends.reader, replace(source, refused=frozenset()), key, copied.refused)
    if not sets_aside:
        hint = "mend the rows in SQLite, then run again"
        what = f"table {table.name}"
        raise QueryFailed(
            *(Fault("row_refused", f"{what}: {one.key}: {one.reason}", hint, table.name) for one in read)
        )
    if not stands:
        make_rejects_table(ends.writer, name, table.target.name)
        _give(ends, table, name)
    kept = sum(1 for _ in keep_rejects(ends.writer, name, read))
    if kept != copied.set_aside:
        message = f"{table.rejects}: {copied.set_aside} rows were left out of the copy, {kept} are kept there"
        raise QueryFailed.of("rows_lost", message, where=table.name)


def refused_lines(ends: Ends, table: Tracked) -> frozenset[int]:
    """The digests of rows that are set aside although their values fit: the server refused them.

    Raises:
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    name = _name(table)
    if not _stands(ends, name):
        return frozenset()
    keys = {str(key) for (key,) in ends.writer.execute(_KEYS.format(name)).fetchall()}
    found = find_lines(ends.reader, table.source, table.model.primary_key, keys, table.source)
    return frozenset(line for _, line in found)


def _name(table: Tracked) -> sql.Identifier:
    return sql.Identifier(table.target.schema, table.rejects)


def _stands(ends: Ends, name: sql.Identifier) -> bool:
    found = ends.writer.execute("SELECT to_regclass(%s) IS NOT NULL", (name.as_string(),)).fetchone()
    return found == (True,)


def _keys(ends: Ends, table: Tracked, done: int) -> Iterator[str]:
    """The noted keys as parts of the rows that a table of rejects keeps."""
    noted = table.noted_keys(done)
    asked = ", ".join(
        f"CASE typeof({one.name}) WHEN 'text' THEN opskit_utf8(CAST({one.name} AS BLOB)) ELSE {one.name} END,"
        f" typeof({one.name})"
        for one in noted.columns
    )
    names = [column.name for column in table.key]
    for row in rows(ends.reader, f"SELECT DISTINCT {asked} FROM {noted.name} WHERE {noted.only}"):
        values = (json_value(value, str(kind)) for value, kind in zip(row[0::2], row[1::2], strict=True))
        yield json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)


def _give(ends: Ends, table: Tracked, name: sql.Identifier) -> None:
    """Gives a new table of rejects to whoever owns the table."""
    owner = ends.writer.execute(_OTHER_OWNER, (table.target.schema, table.target.name)).fetchone()
    if owner is not None:
        ends.writer.execute(_OWNER.format(name, sql.Identifier(str(owner[0]))))
