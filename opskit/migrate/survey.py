"""The first look at a table, in one scan: storage classes, lengths and extremes of its columns."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import apsw

from opskit.schema.model import Affinity, Column, Storage, Table
from opskit.schema.moments import declares_moments
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, rows
from opskit.transfer.render import is_canonical_moment

COUNTED = (Storage.INTEGER, Storage.REAL, Storage.TEXT, Storage.BLOB)

_USUAL, _ALL = 5, 8
"""How many answers a column takes."""

_CANONICAL = 19
"""Bytes of a moment as datetime() writes it."""

_COLUMNS_PER_SCAN = 240
"""SQLite returns at most 2000 columns."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a column after one look.

    Attributes:
        storage: how many values of each class.
        widest: bytes of the longest text or BLOB.
        shortest: bytes of the shortest text, for a column declared to hold moments and holding texts only.
        numbers: the least and the greatest value of a column that was asked for them and holds numbers only.
        canonical: all values are moments as SQLite's datetime() writes them.
    """

    storage: Mapping[Storage, int]
    widest: int
    shortest: int | None = None
    numbers: tuple[float, float] | None = None
    canonical: bool = False


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of single columns.

    Attributes:
        counting: those whose numbers may be moments.
        moments: those that are expected to hold moments as datetime() writes them.
    """

    counting: Container[str]
    moments: Container[str]


def survey(connection: apsw.Connection, table: Table, questions: Questions) -> tuple[int, dict[str, Seen]]:
    """The number of rows, and what each column holds.

    Nearly every column holds one class only. Asking for that one, and for the others only where it does not
    account for all values, takes half the time of counting all four.
    """
    found: dict[str, Seen] = {}
    mixed: list[Column] = []
    count = 0
    for chunk in _chunks(table.columns):
        terms = ", ".join(["count(*)", *(_usual(table, column, questions) for column in chunk)])
        first, *answers = rows(connection, f"SELECT {terms} FROM {quote(table.name)}")[0]
        count = cast("int", first)
        for column, answer in _each(chunk, answers, _USUAL):
            if answer[0] == answer[1]:
                found[column.name] = _uniform(column, count, answer, questions)
            else:
                mixed.append(column)
    for chunk in _chunks(mixed) if mixed else ():
        terms = ", ".join(_all(column, questions) for column in chunk)
        answers = list(rows(connection, f"SELECT {terms} FROM {quote(table.name)}")[0])
        for column, answer in _each(chunk, answers, _ALL):
            found[column.name] = _mixed(count, answer)
    return count, found


def _each(
    columns: Sequence[Column], answers: Sequence[Value], asked: int
) -> Iterator[tuple[Column, Sequence[Value]]]:
    """Each column with its share of the answers."""
    for number, column in enumerate(columns):
        yield column, answers[number * asked : (number + 1) * asked]


def _chunks(columns: Sequence[Column]) -> Iterator[Sequence[Column]]:
    for start in range(0, max(len(columns), 1), _COLUMNS_PER_SCAN):
        yield columns[start : start + _COLUMNS_PER_SCAN]


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


def _usual(table: Table, column: Column, questions: Questions) -> str:
    """What every column is asked: its values, those of the expected kind, lengths, extremes."""
    expected = _expected(column)
    name = quote(column.name)
    alias = column.name == table.rowid_alias
    # IS NOT NULL is answered by the record's header too; count() alone would load the value
    filled = "count(*)" if alias or column.not_null else f"count(CASE WHEN {name} IS NOT NULL THEN 1 END)"
    if column.name in questions.moments:
        canonical = f"count(CASE WHEN {is_canonical_moment(name)} THEN 1 END)"
        return f"{filled}, {canonical}, {_CANONICAL}, NULL, NULL"
    of_class = "count(*)" if alias else _count_of(column, expected)
    # lengths are read from the record's header, without loading the value; a number would become text for it
    lengthy = expected in {Storage.TEXT, Storage.BLOB}
    longest = f"ifnull(max(octet_length({name})), 0)" if lengthy else "0"
    return f"{filled}, {of_class}, {longest}, {_extremes(column, questions, wanted=not lengthy)}"


def _all(column: Column, questions: Questions) -> str:
    """What a column of several kinds is asked."""
    name = quote(column.name)
    lengthy = f"CASE WHEN typeof({name}) IN ('text', 'blob') THEN octet_length({name}) END"
    counts = [_count_of(column, one) for one in COUNTED]
    shortest = f"min({lengthy})" if declares_moments(column) else "NULL"
    extremes = _extremes(column, questions, wanted=True)
    return ", ".join([*counts, f"ifnull(max({lengthy}), 0)", shortest, extremes])


def _extremes(column: Column, questions: Questions, *, wanted: bool) -> str:
    """The least and the greatest value when all are numbers; texts and BLOBs sort after them."""
    if not wanted or column.name not in questions.counting:
        return "NULL, NULL"
    name = quote(column.name)
    numbers = f"typeof(max({name})) IN ('integer', 'real')"
    return f"CASE WHEN {numbers} THEN min({name}) END, CASE WHEN {numbers} THEN max({name}) END"


def _uniform(column: Column, count: int, answer: Sequence[Value], questions: Questions) -> Seen:
    filled, _, longest, lowest, highest = answer
    storage = {Storage.NULL: count - cast("int", filled), **dict.fromkeys(COUNTED, 0)}
    if column.name in questions.moments and filled:
        storage[Storage.TEXT] = cast("int", filled)
        return Seen(storage, _CANONICAL, _CANONICAL, canonical=True)
    storage[_expected(column)] = cast("int", filled)
    return Seen(storage, cast("int", longest) if filled else 0, numbers=_numbers(lowest, highest))


def _mixed(count: int, answer: Sequence[Value]) -> Seen:
    *counts, widest, shortest, lowest, highest = answer
    classes = dict(zip(COUNTED, cast("list[int]", counts), strict=True))
    storage = {Storage.NULL: count - sum(classes.values()), **classes}
    texts_only = classes[Storage.TEXT] == sum(classes.values())
    return Seen(
        storage,
        cast("int", widest),
        shortest if texts_only and isinstance(shortest, int) else None,
        _numbers(lowest, highest),
    )


def _numbers(lowest: Value, highest: Value) -> tuple[float, float] | None:
    if isinstance(lowest, int | float) and isinstance(highest, int | float):
        return lowest, highest
    return None


def _count_of(column: Column, storage: Storage) -> str:
    return f"count(CASE typeof({quote(column.name)}) WHEN '{storage.value}' THEN 1 END)"
