"""Both sides of a followed database compared whole: every row, from a copy of the file as of one moment."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw

from opskit.capture.follow import Alive, Follower
from opskit.capture.rejected import refused_lines
from opskit.capture.tracked import Tracked
from opskit.schema.sqlite_file import open_read_only
from opskit.transfer.digest import Digest
from opskit.transfer.functions import register
from opskit.transfer.proof import differences, digest_source, digest_target
from opskit.transfer.source import FramingError
from opskit.transfer.tables import Pair, SourceTable
from opskit.transfer.wide import hashed
from opskit.transfer.wide_source import sized
from opskit.transfer.workers import Ends


def compare(one: Follower, copy: Path, alive: Alive) -> tuple[str, ...]:
    """The tables, by their names in SQLite, in which PostgreSQL differs from a copy of the file.

    Args:
        copy: made by `copy_level`, since when nothing has been brought over.

    Raises:
        Refused: the copy cannot be read.
        apsw.Error: likewise.
        psycopg.Error: the server refused or went away.
    """
    with closing(open_read_only(copy)) as reader:
        register(reader)
        ends = Ends(reader, one.ends.writer)
        return tuple(table.name for table in one.tables if not _is_equal(ends, table, alive))


def _is_equal(ends: Ends, table: Tracked, alive: Alive) -> bool:
    refused = refused_lines(ends, table)
    source = replace(sized(ends.reader, table.model, table.source), refused=refused)
    target = replace(table.target, hashed=hashed(source, table.target.columns))
    if _digest(ends.reader, source, alive) == digest_target(ends.writer, target, alive):
        return True
    pair = Pair(source, target, tuple(column.name for column in table.key))
    return not differences(ends.reader, ends.writer, pair).rows  # two spellings of one double are none


def _digest(reader: apsw.Connection, source: SourceTable, alive: Alive) -> Digest:
    """Quickly, when no text holds what frames rows."""
    try:
        return digest_source(reader, replace(source, escaped=False), alive)
    except FramingError:
        return digest_source(reader, source, alive)
