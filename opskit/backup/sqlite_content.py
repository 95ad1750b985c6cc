"""What a SQLite file holds: rows and digest of every table, shadow tables and SQLite's own included."""

import hashlib
import re
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import apsw

from opskit.backup.manifest import TableSum
from opskit.runs.progress import Progress
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Cursor, Value, create_function, cursor, open_read_only, rows, scalar
from opskit.transfer.digest import Digest, digest, total
from opskit.transfer.source import concatenate

_WIDE = 64 * 1024
"""Bytes beyond which a value stands in its row's line by its SHA-256."""

_MAPPED = 1 << 40
"""Bytes that are read where the kernel has them: a file that nobody else shortens can be."""

_AT_ONCE = 256
_MOST_FAULTS = 20

_OF_CONTENT = re.compile(r"(NULL|NUMERIC|TEXT|non-\w+) value in ")
"""Rows that break a rule of their table: content that is worth a backup, and no damage of the file."""

_INDEXES = (
    "SELECT t.name, i.name FROM sqlite_schema t, pragma_index_list(t.name) i"
    " WHERE t.type = 'table' AND t.rootpage > 0 AND NOT i.partial"
)
"""Every index that has an entry for each row of its table."""

_GENERATED = (2, 3)
"""What PRAGMA table_xinfo says of generated columns, virtual and stored."""


def table_sums(file: Path, progress: Progress) -> tuple[TableSum, ...]:
    """Rows and digest of every table of a file that nobody else uses.

    A row's line holds every value but those of generated columns: they follow from the others, by functions
    that may be the application's own.

    Raises:
        Refused: the file is no database.
        apsw.Error: it cannot be read.
    """
    with _reading(file) as reader:
        create_function(reader, "opskit_sha256", _sha256)
        return tuple(_table_sum(reader, name, progress) for name in _tables(reader))


def faults(file: Path) -> tuple[str, ...]:
    """What SQLite's own check finds wrong with a file that nobody else uses; nothing when it is sound.

    Raises:
        Refused: the file is no database.
    """
    with _reading(file) as reader:
        return _checked(reader, "integrity_check")


def obvious_faults(file: Path) -> tuple[str, ...]:
    """The same without looking up every row in every index, which takes longer than all else of a backup.

    Every page is looked at, and whether every index has as many entries as its table has rows.

    Raises:
        Refused: the file is no database.
    """
    with _reading(file) as reader:
        return _checked(reader, "quick_check") or tuple(_miscounted(reader))


@contextmanager
def _reading(file: Path) -> Generator[apsw.Connection]:
    with closing(open_read_only(file)) as reader:
        rows(reader, f"PRAGMA mmap_size = {_MAPPED}")
        yield reader


def _checked(reader: apsw.Connection, check: str) -> tuple[str, ...]:
    reader.collation_needed(None)  # in another order than the application's, an index would look broken
    rows(reader, "PRAGMA ignore_check_constraints = ON")
    try:
        return _faults(reader, check, str(_MOST_FAULTS))
    except apsw.SQLError:  # the application's own code is not here: all else is looked at table by table
        return tuple(fault for name in _tables(reader) for fault in _table_faults(reader, check, name))
    except apsw.Error as error:
        return (str(error),)


def _miscounted(reader: apsw.Connection) -> Iterator[str]:
    """What has another number of entries than its table has rows."""
    for table, index in rows(reader, _INDEXES):
        counted = f"SELECT count(*) FROM (SELECT 1 FROM {quote(str(table))} {{}})"
        try:
            entries = scalar(reader, counted.format(f"INDEXED BY {quote(str(index))}"))
        except apsw.SQLError:  # it rests on the application's own code
            continue
        if entries != scalar(reader, counted.format("NOT INDEXED")):
            yield f"wrong # of entries in index {index}"


def _table_faults(reader: apsw.Connection, check: str, table: str) -> tuple[str, ...]:
    try:
        return _faults(reader, check, quote(table))
    except apsw.SQLError:  # its indexes rest on that code; its rows are read for the digest
        return ()
    except apsw.Error as error:
        return (f"{table}: {error}",)


def _faults(reader: apsw.Connection, check: str, what: str) -> tuple[str, ...]:
    found = [str(word) for (word,) in rows(reader, f"PRAGMA {check}({what})")]
    return tuple(word for word in found if word != "ok" and not _OF_CONTENT.match(word))


def _tables(reader: apsw.Connection) -> list[str]:
    found = rows(
        reader,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
        " UNION ALL SELECT 'sqlite_schema' ORDER BY 1",
    )
    return [str(name) for (name,) in found]


def _table_sum(reader: apsw.Connection, table: str, progress: Progress) -> TableSum:
    task = f"digest {table}"
    progress.begin(task, 0)
    listed = rows(reader, f"PRAGMA table_xinfo({quote(table)})")
    columns = [str(name) for _, name, *_, hidden in listed if hidden not in _GENERATED]
    parts: list[Digest] = []
    for lines in _lists(cursor(reader, f"SELECT {_line(columns)} FROM {quote(table)}")):
        parts.append(digest(lines))
        progress.advance(task, len(lines))
    progress.end(task)
    return TableSum.of(table, total(parts))


def _line(columns: list[str]) -> str:
    """The SQL of a row's line, as bytes: what a file calls text may be none."""
    return f"CAST({concatenate([*map(_field, columns)], repr(','))} AS BLOB)"


def _field(column: str) -> str:
    """A text stands with its length: that is half the work of quoting it, and whole beyond a NUL."""
    name = quote(column)
    wide = f"WHEN octet_length({name}) > {_WIDE} THEN typeof({name}) || opskit_sha256(CAST({name} AS BLOB))"
    return (
        f"CASE typeof({name}) WHEN 'text' THEN CASE {wide} ELSE octet_length({name}) || ':' || {name} END"
        f" WHEN 'blob' THEN CASE {wide} ELSE quote({name}) END ELSE quote({name}) END"
    )


def _lists(found: Cursor) -> Iterator[list[bytes]]:
    while lines := [row[0] for row in islice(found, _AT_ONCE) if isinstance(row[0], bytes)]:
        yield lines


def _sha256(value: Value) -> str:
    return hashlib.sha256(value if isinstance(value, bytes) else b"").hexdigest()
