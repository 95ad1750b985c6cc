"""What the columns of a table really hold.

One scan surveys storage classes, one looks at values whose class does not tell, one looks at text. Nothing
here decides; `schema.types` does.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import cast

import apsw

from opskit.config import TypesProfile
from opskit.migrate.evidence import (
    binary_json,
    misfit_examples,
    offset_example,
    only_unstorable,
    row_key,
    spellings,
)
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
        column.name: _wanted(table, column, seen[column.name], types, overrides.get(column.name))
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
    unstorable = 0
    if seen.storage[Storage.TEXT]:
        blamed = (one for one in examples if only_unstorable(connection, table, column.name, one))
        unstorable = misfits.get(next(blamed, ""), 0)
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
        seen.storage,
        misfits,
        seen.widest,
        examples,
        seen.numbers,
        written,
        offset,
        seen.shortest,
        unstorable,
    )


def scan_text(connection: apsw.Connection, table: Table, columns: Sequence[str]) -> TextScan:
    """Looks at the text of columns that become text: bytes PostgreSQL refuses, and framing characters.

    A block at a time, so that clean text costs little more than reading it.
    """
    if not columns:
        return TextScan()
    framing = False
    bad = 0
    for block in _text_blocks(connection, table, columns):
        joined = ROW.join(block)
        if joined.count(ROW) != len(block) - 1 or joined.count(FIELD) != len(block) * (len(columns) - 1):
            framing = True
        if unstorable(joined):
            bad += sum(1 for line in block if unstorable(line))
    if not bad:
        return TextScan(framing)
    unfit = tuple(_unfit(connection, table, columns))
    return TextScan(framing, unfit, bad, _unfit_columns(connection, table, columns))


def _unfit_columns(connection: apsw.Connection, table: Table, columns: Sequence[str]) -> frozenset[str]:
    """The columns in which some text cannot be stored."""
    found: set[str] = set()
    for name in columns:
        if rows(connection, f"SELECT 1 FROM {quote(table.name)} WHERE {_is_unfit(name)} LIMIT 1"):
            found.add(name)
    return frozenset(found)


def _wanted(
    table: Table, column: Column, seen: Seen, types: TypesProfile, override: str | None
) -> Mapping[str, int | None]:
    """Candidate → its number of misfits, or None when the values must be looked at.

    Ends with the first candidate that is known to hold everything: the rest could not be chosen.
    """
    if override is not None:
        return {resolve(override, seen.numbers): None}
    found: dict[str, int | None] = {}
    for candidate in candidates(column, types):
        if candidate == "json" and _is_compared(table, column):
            continue  # it has no equality, so no key and no index
        found[candidate] = _known_misfits(candidate, seen.storage, types)
        if found[candidate] == 0:
            break
    return found


def _is_compared(table: Table, column: Column) -> bool:
    """Is a column part of a key or an index?"""
    terms = (term.column for index in table.indexes for term in index.terms)
    return column.name in {*table.primary_key, *terms}


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


def _text_blocks(connection: apsw.Connection, table: Table, columns: Sequence[str]) -> Iterator[list[bytes]]:
    """The text of each row."""
    texts = [_only_text(quote(name)) for name in columns]
    query = f"SELECT {as_bytes(connection, concatenate(texts, 'char(31)'))} FROM {quote(table.name)}"
    block: list[bytes] = []
    size = 0
    for row in cursor(connection, query):
        line = to_bytes(row[0])
        block.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _only_text(column: str) -> str:
    return f"CASE typeof({column}) WHEN 'text' THEN {column} ELSE '' END"


def _is_unfit(name: str) -> str:
    return f"typeof({quote(name)}) = 'text' AND opskit_storable(CAST({quote(name)} AS BLOB)) IS NULL"


def _unfit(connection: apsw.Connection, table: Table, columns: Sequence[str]) -> Iterator[UnfitText]:
    """The first rows with text that PostgreSQL cannot store."""
    key = row_key(table)
    texts = [f"opskit_utf8(CAST({_only_text(quote(name))} AS BLOB))" for name in columns]
    keys = [f"opskit_utf8(CAST({quote(name)} AS BLOB))" for name in key] or ["x''"]
    marks = concatenate([f"CASE WHEN {_is_unfit(name)} THEN '!' ELSE '' END" for name in columns], "''")
    chosen = f"SELECT {', '.join([*keys, *texts])} FROM {quote(table.name)}"
    for row in cursor(connection, f"{chosen} WHERE {marks} <> '' LIMIT {UNFIT_SHOWN}"):
        found = cast("tuple[bytes | None, ...]", row)
        shown = ", ".join(
            f"{name}={(value or b'NULL').decode(errors='backslashreplace')}"
            for name, value in zip(key, found, strict=False)
        )
        for name, text in zip(columns, found[len(keys) :], strict=True):
            reason = unstorable(text or b"")
            if reason:
                yield UnfitText(table.name, name, shown, reason)
