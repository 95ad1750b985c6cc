"""What the columns of a table really hold.

One scan surveys storage classes, one looks at values whose class does not tell, one looks at text. Nothing
here decides; `schema.types` does.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import cast

import apsw

from opskit.config import TypesProfile
from opskit.migrate.evidence import binary_json, misfit_examples, offset_example, row_key, spellings
from opskit.migrate.facts import TableProfile, TextScan, UnfitText
from opskit.migrate.survey import COUNTED, Seen, survey
from opskit.schema.model import Column, Storage, Table
from opskit.schema.moments import MOMENT, may_count_time, unit_of
from opskit.schema.names import quote
from opskit.schema.sqlite_file import cursor, rows
from opskit.schema.types import ColumnProfile, Spelling, candidates, resolve
from opskit.transfer.rejects import unstorable
from opskit.transfer.render import render
from opskit.transfer.source import BLOCK_BYTES, FIELD, ROW, as_bytes, concatenate, to_bytes

_TYPES_PER_SCAN = 600
"""SQLite returns at most 2000 columns and limits the size of a statement."""

_WITHOUT_OFFSET = 20
"""Bytes of a moment that cannot hold an offset in its usual spellings."""

UNFIT_SHOWN = 10
"""Values named singly when they cannot be stored; the rest is counted."""


def profile_table(
    connection: apsw.Connection, table: Table, types: TypesProfile, overrides: Mapping[str, str]
) -> TableProfile:
    """What every column holds, the misfits of every type it may become, and examples of them.

    Args:
        overrides: column → the one type the operator wants.
    """
    counting = {column.name for column in table.columns if column.name in overrides or may_count_time(column)}
    count, seen = survey(connection, table, counting)
    wanted = {
        column.name: _wanted(column, seen[column.name], types, overrides.get(column.name))
        for column in table.columns
    }
    misfits = _misfits(connection, table, wanted)
    return TableProfile(
        count,
        {
            column.name: _profile(connection, table, column, seen[column.name], misfits[column.name])
            for column in table.columns
        },
    )


def _profile(
    connection: apsw.Connection, table: Table, column: Column, seen: Seen, misfits: Mapping[str, int]
) -> ColumnProfile:
    """A column's profile, with evidence where its values are not what it was declared for."""
    examples = {
        pg_type: misfit_examples(connection, table, column.name, pg_type)
        for pg_type in takewhile(misfits.__getitem__, misfits)
    }
    written: tuple[Spelling, ...] = ()
    offset = None
    moments = misfits.get(MOMENT)
    if moments and not (seen.numbers and unit_of(*seen.numbers)):
        written = spellings(connection, table, column)
    elif moments == 0 and seen.widest > _WITHOUT_OFFSET:
        offset = offset_example(connection, table, column.name)
    elif misfits.get("json") and seen.storage[Storage.BLOB]:
        written = binary_json(connection, table, column.name)
    return ColumnProfile(
        seen.storage, misfits, seen.widest, examples, seen.numbers, written, offset, seen.shortest
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
        if unstorable(joined):
            bad.extend(start + offset for offset, line in enumerate(block) if unstorable(line))
    unfit = [one for position in bad[:UNFIT_SHOWN] for one in _unfit(connection, table, columns, position)]
    held_in = _unfit_columns(connection, table, columns) if bad else frozenset[str]()
    return TextScan(framing, tuple(unfit), len(bad), held_in)


def _unfit_columns(connection: apsw.Connection, table: Table, columns: Sequence[str]) -> frozenset[str]:
    """The columns in which some text cannot be stored."""
    found: set[str] = set()
    for name in columns:
        text = quote(name)
        unfit = f"typeof({text}) = 'text' AND opskit_storable(CAST({text} AS BLOB)) IS NULL"
        if rows(connection, f"SELECT 1 FROM {quote(table.name)} WHERE {unfit} LIMIT 1"):
            found.add(name)
    return frozenset(found)


def _wanted(
    column: Column, seen: Seen, types: TypesProfile, override: str | None
) -> Mapping[str, int | None]:
    """Candidate → its number of misfits, or None when the values must be looked at.

    Ends with the first candidate that is known to hold everything: the rest could not be chosen.
    """
    if override is not None:
        return {resolve(override, seen.numbers): None}
    found: dict[str, int | None] = {}
    for candidate in candidates(column, types):
        found[candidate] = _known_misfits(candidate, seen.storage, types)
        if found[candidate] == 0:
            break
    return found


def _known_misfits(candidate: str, storage: Mapping[Storage, int], types: TypesProfile) -> int | None:
    """The misfits as far as storage classes alone tell them."""
    integers, reals, texts, blobs = (storage[one] for one in COUNTED)
    known = {
        "bytea": 0,
        "text": blobs,
        "numeric": texts + blobs,
        "bigint": None if reals and types is TypesProfile.NATIVE else reals + texts + blobs,
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
    for start in range(0, len(open_questions), _TYPES_PER_SCAN):
        asked = open_questions[start : start + _TYPES_PER_SCAN]
        counts = ", ".join(_misfit_count(name, candidate) for name, candidate in asked)
        answers = cast("tuple[int, ...]", rows(connection, f"SELECT {counts} FROM {quote(table.name)}")[0])
        for (name, candidate), misfits in zip(asked, answers, strict=True):
            found[name][candidate] = misfits
    return {name: {one: found[name][one] for one in each} for name, each in wanted.items()}


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


def _unfit(
    connection: apsw.Connection, table: Table, columns: Sequence[str], position: int
) -> Iterator[UnfitText]:
    key = row_key(table)
    keys = [f"CAST({quote(name)} AS BLOB)" for name in key] or ["x''"]
    texts = [f"CAST({_only_text(quote(name))} AS BLOB)" for name in columns]
    query = f"SELECT {', '.join([*keys, *texts])} FROM {quote(table.name)} LIMIT 1 OFFSET {position}"
    found = cast("tuple[bytes | None, ...]", rows(connection, query)[0])
    shown = ", ".join(
        f"{name}={(value or b'NULL').decode(errors='backslashreplace')}"
        for name, value in zip(key, found, strict=False)
    )
    for name, text in zip(columns, found[len(keys) :], strict=True):
        reason = unstorable(text or b"")
        if reason:
            yield UnfitText(table.name, name, shown, reason)
