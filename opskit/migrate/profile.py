"""What the columns of a table really hold.

One scan surveys storage classes, another looks at values whose class does not tell. Nothing here decides;
`schema.choice` does.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import cast

import apsw

from opskit.config import TypesProfile
from opskit.migrate.evidence import (
    binary_json,
    misfit_examples,
    offset_example,
    only_unstorable,
    spellings,
)
from opskit.migrate.facts import TableProfile
from opskit.migrate.survey import COUNTED, Questions, Seen, survey
from opskit.schema.model import Column, Storage, Table
from opskit.schema.moments import MOMENT, may_count_time, unit_of
from opskit.schema.names import quote
from opskit.schema.sqlite_file import rows
from opskit.schema.types import ColumnProfile, Spelling, candidates, resolve
from opskit.transfer.render import render

_LARGEST_JSON = 2 * 1024 * 1024
"""Bytes of a text that is still judged as JSON, which takes many times as much."""

_TYPES_PER_SCAN = 600
"""SQLite returns at most 2000 columns and limits the size of a statement."""

_WITHOUT_OFFSET = 20
"""Bytes of a moment that cannot hold an offset in its usual spellings."""


def profile_table(
    connection: apsw.Connection, table: Table, types: TypesProfile, overrides: Mapping[str, str]
) -> TableProfile:
    """What every column holds, the misfits of every type it may become, and examples of them.

    Args:
        overrides: column → the one type the operator wants.
    """
    count, seen = survey(connection, table, _questions(table, types, overrides))
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


def _questions(table: Table, types: TypesProfile, overrides: Mapping[str, str]) -> Questions:
    first = {
        column.name: overrides.get(column.name, candidates(column, types)[0]) for column in table.columns
    }
    return Questions(
        counting={one.name for one in table.columns if one.name in overrides or may_count_time(one)},
        moments={name for name, pg_type in first.items() if pg_type == MOMENT},
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
        seen.canonical,
    )


def _wanted(
    table: Table, column: Column, seen: Seen, types: TypesProfile, override: str | None
) -> Mapping[str, int | None]:
    """Candidate → its number of misfits, or None when the values must be looked at.

    Ends with the first candidate that is known to hold everything: the rest could not be chosen.
    """
    if override is not None:
        resolved = resolve(override, seen.numbers)
        return {resolved: _known_misfits(resolved, seen)}
    found: dict[str, int | None] = {}
    for candidate in candidates(column, types):
        if candidate == "json" and _is_compared(table, column):
            continue  # it has no equality, so no key and no index
        if candidate in {"json", "jsonb"} and seen.widest > _LARGEST_JSON:
            continue
        found[candidate] = _known_misfits(candidate, seen)
        if candidate == "bigint" and types is TypesProfile.SAME and seen.storage[Storage.REAL]:
            # whole reals would fit, but read back as integers
            found[candidate] = sum(seen.storage[one] for one in COUNTED if one is not Storage.INTEGER)
        if found[candidate] == 0:
            break
    return found


def _is_compared(table: Table, column: Column) -> bool:
    """Is a column part of a key or an index?"""
    terms = (term.column for index in table.indexes for term in index.terms)
    return column.name in {*table.primary_key, *terms}


def _known_misfits(candidate: str, seen: Seen) -> int | None:
    """The misfits as far as they are known without looking at values."""
    integers, reals, texts, blobs = (seen.storage[one] for one in COUNTED)
    known = {
        "bytea": 0,
        "text": blobs,
        "numeric": texts + blobs,
        "bigint": None if reals else texts + blobs,
        "double precision": None if integers else texts + blobs,
        MOMENT: 0 if seen.canonical else None,
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
