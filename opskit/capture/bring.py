"""Brings noted changes of one table from the SQLite file to PostgreSQL, inside a transaction on each side.

What was written is read back and compared before the transaction ends.
"""

from dataclasses import replace

import apsw
from psycopg import sql

from opskit.capture.rejected import keep_rejected
from opskit.capture.replace import replace_rows
from opskit.capture.tracked import Tracked
from opskit.errors import Fault, QueryFailed
from opskit.schema.sqlite_reader import last_key
from opskit.transfer.compare import find_differences
from opskit.transfer.digest import Digest, digest
from opskit.transfer.proof import shape
from opskit.transfer.source import read_blocks
from opskit.transfer.tables import Pair, SourceTable, TargetTable
from opskit.transfer.target import copy_in, copy_out, identifier
from opskit.transfer.tasks import CopyRows
from opskit.transfer.wide import hashed
from opskit.transfer.wide_source import sized
from opskit.transfer.workers import Advance, Ends

_KEYS = "opskit_keys"
_MAKE_KEYS = sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA")
_ANALYZE_KEYS = sql.SQL("ANALYZE {}")
_DROP_KEYS = sql.SQL("DROP TABLE {}")
_DELETE = sql.SQL("DELETE FROM {} {}")
_WITH_KEYS = sql.SQL("WHERE ({}) IN (SELECT {} FROM {})")
_GO_ON = """
SELECT setval(generator, %(last)s)
FROM (SELECT pg_get_serial_sequence(%(table)s, %(column)s)::regclass AS generator) AS found
WHERE coalesce(pg_sequence_last_value(generator), 0) < %(last)s
"""


def bring_rows(ends: Ends, table: Tracked, done: int, advance: Advance, *, sets_aside: bool) -> None:
    """Makes the rows that the notes behind `done` tell what they are in the file.

    All go before the first comes, so that values may have changed places in a unique column.

    Raises:
        QueryFailed: what arrived is not what was sent, or a row does not fit and may not be set aside.
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    writer, key = ends.writer, table.target_key()
    source = replace(table.source, only=table.is_noted(done))
    target, source = _sized(ends.reader, table, source)
    keys = TargetTable("pg_temp", _KEYS, key)
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
    writer.execute(_MAKE_KEYS.format(identifier(keys), columns, identifier(target)))
    copy_in(writer, keys, read_blocks(ends.reader, table.noted_keys(done)))
    # with NOCASE, more rows than the noted ones are read
    copy_in(writer, keys, read_blocks(ends.reader, replace(source, columns=table.key)))
    writer.execute(_ANALYZE_KEYS.format(identifier(keys)))
    with_keys = _WITH_KEYS.format(columns, columns, identifier(keys))
    writer.execute(_DELETE.format(identifier(target), with_keys))
    copied = CopyRows(source, target).run(ends, advance)
    held = replace(source, refused=frozenset(copied.refused))
    _prove(ends, Pair(held, target, tuple(column.name for column in table.key)), copied.digest, with_keys)
    writer.execute(_DROP_KEYS.format(identifier(keys)))
    keep_rejected(
        ends, table, replace(source, columns=table.source.columns), copied, done, sets_aside=sets_aside
    )


def bring_table(ends: Ends, table: Tracked, advance: Advance, *, sets_aside: bool) -> None:
    """Makes a table what it is in the file, whatever has changed.

    Raises:
        QueryFailed: what arrived is not what was sent, or a row does not fit and may not be set aside.
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    target, source = _sized(ends.reader, table, table.source)
    copied = replace_rows(ends, source, target, advance)
    held = replace(source, refused=frozenset(copied.refused))
    _prove(ends, Pair(held, target, ()), copied.digest, sql.SQL(""))
    keep_rejected(ends, table, source, copied, None, sets_aside=sets_aside)


def set_generator(ends: Ends, table: Tracked) -> None:
    """Sees to it that keys that SQLite has given out are not given out again.

    Raises:
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    model = table.model
    last = last_key(ends.reader, model.name, model.rowid_alias, autoincrement=model.autoincrement)
    if table.generator is not None and last:
        name = identifier(table.target).as_string()
        ends.writer.execute(_GO_ON, {"table": name, "column": table.generator, "last": last})


def _sized(reader: apsw.Connection, table: Tracked, source: SourceTable) -> tuple[TargetTable, SourceTable]:
    """Both sides, knowing which values are large."""
    known = sized(reader, table.model, source)
    return replace(table.target, hashed=hashed(known, table.target.columns)), known


def _prove(ends: Ends, pair: Pair, sent: Digest, where: sql.Composable) -> None:
    """Compares what arrived with what was sent; two spellings of one double are no difference."""
    source, target = pair.source, pair.target
    arrived = sum((digest(lines) for lines in copy_out(ends.writer, target, where)), Digest())
    if arrived == sent:
        return
    found = find_differences(
        lambda: (line for block in read_blocks(ends.reader, source) for line in block.lines),
        lambda: (line for lines in copy_out(ends.writer, target, where) for line in lines),
        shape(pair),
    ).rows
    if found:
        hint = "migrate again; please report this"
        raise QueryFailed(
            *(Fault("row_differs", f"table {target.name}: {row}", hint, source.name) for row in found)
        )
