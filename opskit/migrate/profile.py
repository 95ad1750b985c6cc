"""What the columns of a table really hold.

One scan counts storage classes, one looks at values whose class does not tell, one looks at text. Nothing
here decides; `schema.types` does.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import apsw

from opskit.config import TypesProfile
from opskit.migrate.facts import TableProfile, TextScan, UnfitText
from opskit.schema.model import Affinity, Column, Storage, Table
from opskit.schema.names import quote
from opskit.schema.sqlite_file import cursor, rows, scalar
from opskit.schema.types import ColumnProfile, candidates
from opskit.transfer.render import render
from opskit.transfer.source import BLOCK_BYTES, FIELD, NULL, ROW, as_bytes, concatenate, to_bytes

_COLUMNS_PER_SCAN = 300
"""SQLite returns at most 2000 columns, and a profile takes three for each column."""

UNFIT_SHOWN = 10
"""Values named singly when they cannot be stored; the rest is counted."""


def profile_table(
    connection: apsw.Connection, table: Table, types: TypesProfile, overrides: Mapping[str, str]
) -> TableProfile:
    """The storage classes of every column, and the misfits of every type it may become.

    Args:
        overrides: column → the one type the operator wants.
    """
    count = cast("int", scalar(connection, f"SELECT count(*) FROM {quote(table.name)}"))
    storage, widest = _storage(connection, table, count)
    wanted = {
        column.name: _wanted(column, storage[column.name], types, overrides.get(column.name))
        for column in table.columns
    }
    misfits = _misfits(connection, table, wanted)
    return TableProfile(
        count, {name: ColumnProfile(storage[name], misfits[name], widest[name]) for name in storage}
    )


def scan_text(connection: apsw.Connection, table: Table, columns: Sequence[str]) -> TextScan:
    """Looks at the text of columns that become text: bytes PostgreSQL refuses, and framing characters.

    A block at a time, so that clean text costs little more than reading it.
    """
    if not columns:
        return TextScan()
    framing = False
    bad: list[int] = []
    for start, block in _text_blocks(connection, table, columns):
        joined = ROW.join(block)
        if joined.count(ROW) != len(block) - 1 or joined.count(FIELD) != len(block) * (len(columns) - 1):
            framing = True
        if _reason(joined):
            bad.extend(start + offset for offset, line in enumerate(block) if _reason(line))
    unfit = [one for position in bad[:UNFIT_SHOWN] for one in _unfit(connection, table, columns, position)]
    return TextScan(framing, tuple(unfit), len(bad))


def _chunks(columns: Sequence[Column]) -> Iterator[Sequence[Column]]:
    for start in range(0, max(len(columns), 1), _COLUMNS_PER_SCAN):
        yield columns[start : start + _COLUMNS_PER_SCAN]


_COUNTED = (Storage.INTEGER, Storage.REAL, Storage.TEXT, Storage.BLOB)


def _storage(
    connection: apsw.Connection, table: Table, count: int
) -> tuple[dict[str, dict[Storage, int]], dict[str, int]]:
    """How many values of each class every column holds, and the bytes of its longest text or BLOB.

    Nearly every column holds one class only. Asking for that one, and for the others only where it does not
    account for all values, takes half the time of counting all four.
    """
    found: dict[str, dict[Storage, int]] = {}
    widest: dict[str, int] = {}
    mixed: list[Column] = []
    for chunk in _chunks(table.columns):
        asked = ", ".join(_usual(column) for column in chunk)
        answers = _integers(connection, f"SELECT {asked} FROM {quote(table.name)}")
        for column, filled, expected, longest in zip(
            chunk, answers[::3], answers[1::3], answers[2::3], strict=True
        ):
            others = dict.fromkeys(_COUNTED, 0)
            found[column.name] = {Storage.NULL: count - filled, **others, _expected(column): expected}
            widest[column.name] = longest
            if filled != expected:
                mixed.append(column)
    for column in mixed:
        asked = ", ".join([*(_count_of(column, storage) for storage in _COUNTED), _longest(column)])
        *answers, longest = _integers(connection, f"SELECT {asked} FROM {quote(table.name)}")
        found[column.name] |= dict(zip(_COUNTED, answers, strict=True))
        widest[column.name] = longest
    return found, widest


def _usual(column: Column) -> str:
    """What a column is asked first: its values, those of the expected class, their longest."""
    expected = _expected(column)
    name = quote(column.name)
    # read from the record's header, without loading the value; a number would be turned into text for it
    longest = f"max(octet_length({name}))" if expected in {Storage.TEXT, Storage.BLOB} else "0"
    return f"count({name}), {_count_of(column, expected)}, ifnull({longest}, 0)"


def _longest(column: Column) -> str:
    name = quote(column.name)
    return f"ifnull(max(CASE WHEN typeof({name}) IN ('text', 'blob') THEN octet_length({name}) END), 0)"


def _integers(connection: apsw.Connection, query: str) -> tuple[int, ...]:
    """The one row of a query that counts."""
    return cast("tuple[int, ...]", rows(connection, query)[0])


def _expected(column: Column) -> Storage:
    """The class that the values of a column most likely have."""
    declared = column.declared.upper()
    if column.affinity is Affinity.NUMERIC and (
        "DATE" in declared or "TIME" in declared or "JSON" in declared
    ):
        return Storage.TEXT
    return {
        Affinity.INTEGER: Storage.INTEGER,
        Affinity.TEXT: Storage.TEXT,
        Affinity.BLOB: Storage.BLOB,
        Affinity.REAL: Storage.REAL,
        Affinity.NUMERIC: Storage.INTEGER if "BOOL" in declared else Storage.REAL,
    }[column.affinity]


def _count_of(column: Column, storage: Storage) -> str:
    return f"count(CASE typeof({quote(column.name)}) WHEN '{storage.value}' THEN 1 END)"


def _wanted(
    column: Column, storage: Mapping[Storage, int], types: TypesProfile, override: str | None
) -> Mapping[str, int | None]:
    """Candidate → its number of misfits, or None when the values must be looked at.

    Ends with the first candidate that is known to hold everything: the rest could not be chosen.
    """
    if override is not None:
        return {override: None}
    found: dict[str, int | None] = {}
    for candidate in candidates(column, types):
        found[candidate] = _known_misfits(candidate, storage)
        if found[candidate] == 0:
            break
    return found


def _known_misfits(candidate: str, storage: Mapping[Storage, int]) -> int | None:
    """The misfits as far as storage classes alone tell them."""
    integers, reals, texts, blobs = (storage[one] for one in _COUNTED)
    known = {
        "bytea": 0,
        "text": blobs,
        "numeric": texts + blobs,
        "bigint": None if reals else texts + blobs,
        "double precision": None if integers else texts + blobs,
    }
    return known.get(candidate) if integers + reals + texts + blobs else 0


def _misfits(
    connection: apsw.Connection, table: Table, wanted: Mapping[str, Mapping[str, int | None]]
) -> dict[str, dict[str, int]]:
    found = {
        name: {one: known for one, known in each.items() if known is not None}
        for name, each in wanted.items()
    }
    open_questions = [
        (name, one) for name, each in wanted.items() for one, known in each.items() if known is None
    ]
    for start in range(0, len(open_questions), _COLUMNS_PER_SCAN):
        asked = open_questions[start : start + _COLUMNS_PER_SCAN]
        counts = ", ".join(_misfit_count(name, candidate) for name, candidate in asked)
        answers = _integers(connection, f"SELECT {counts} FROM {quote(table.name)}")
        for (name, candidate), misfits in zip(asked, answers, strict=True):
            found[name][candidate] = misfits
    return found


def _misfit_count(name: str, candidate: str) -> str:
    column = quote(name)
    return f"count(CASE WHEN {column} IS NOT NULL AND {render(column, candidate)} IS NULL THEN 1 END)"


def _text_blocks(
    connection: apsw.Connection, table: Table, columns: Sequence[str]
) -> Iterator[tuple[int, list[bytes]]]:
    """(position of the first row, the text of each row)."""
    texts = [_only_text(quote(name)) for name in columns]
    query = f"SELECT {as_bytes(connection, concatenate(texts, 'char(31)'))} FROM {quote(table.name)}"
    block: list[bytes] = []
    start = size = 0
    for row in cursor(connection, query):
        line = to_bytes(row[0])
        block.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield start, block
            start, block, size = start + len(block), [], 0
    if block:
        yield start, block


def _only_text(column: str) -> str:
    return f"CASE typeof({column}) WHEN 'text' THEN {column} ELSE '' END"


def _reason(text: bytes) -> str:
    """Why PostgreSQL cannot store this text; empty when it can."""
    if NULL in text:
        return "the text holds a NUL character"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"the text is not valid UTF-8 at byte {error.start}"
    return ""


def _unfit(
    connection: apsw.Connection, table: Table, columns: Sequence[str], position: int
) -> Iterator[UnfitText]:
    key = table.primary_key or (("rowid",) if not table.without_rowid else ())
    keys = [f"CAST({quote(name)} AS BLOB)" for name in key] or ["x''"]
    texts = [f"CAST({_only_text(quote(name))} AS BLOB)" for name in columns]
    query = f"SELECT {', '.join([*keys, *texts])} FROM {quote(table.name)} LIMIT 1 OFFSET {position}"
    found = cast("tuple[bytes | None, ...]", rows(connection, query)[0])
    shown = ", ".join(
        f"{name}={(value or b'NULL').decode(errors='backslashreplace')}"
        for name, value in zip(key, found, strict=False)
    )
    for name, text in zip(columns, found[len(keys) :], strict=True):
        reason = _reason(text or b"")
        if reason:
            yield UnfitText(table.name, name, shown, reason)
