"""What must hold after a run: each acknowledged transaction took place once, whole, and on one side. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from opskit.config import Engine
from tests.crash.ledger import Note
from tests.crash.operations import Key, Row, State
from tests.crash.workload import beginning, transaction

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What a side of a database holds.

    Attributes:
        tokens: writer and number of each transaction that took place.
        given: table → the highest key that was ever given out in it.
    """

    rows: State
    tokens: tuple[tuple[str, int], ...]
    given: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Window:
    """When the side may have changed: nanoseconds of the ledgers' clock, and to which."""

    begin: int
    engine: Engine


def lost(
    seed: int, database: str, writers: Iterable[str], notes: Sequence[Note], found: Found
) -> Iterator[str]:
    """What is missing, there twice, made up or half done in a database."""
    times = Counter(found.tokens)
    yield from _some("is there more than once", (one for one, count in times.items() if count > 1))
    own = [one for one in notes if one.database == database]
    acknowledged = {(one.writer, one.number) for one in own if one.event == "acknowledged"}
    yield from _some("was acknowledged and is lost", sorted(acknowledged - times.keys()))
    begun = {(one.writer, one.number) for one in own if one.event == "begun"}
    yield from _some("was never begun", sorted(times.keys() - begun))
    expected = beginning(database, writers)
    for writer, number in sorted(times):
        transaction(seed, writer, number).apply(expected)
    for table, rows in expected.items():
        yield from _differing(table, rows, found.rows[table])


def given_twice(now: Found, before: Found, *, skipped: int = 0) -> Iterator[str]:
    """Keys that the side that takes writes would give out, and the other one has given out already.

    Args:
        skipped: up to so many keys that the other one says it has given out may have gone to nobody.
    """
    for table, last in before.given.items():
        if now.given.get(table, 0) < last - skipped:
            yield f"{table}: goes on after {now.given.get(table, 0)}, and keys up to {last} were given out"


def _some(what: str, which: Iterable[tuple[str, int]]) -> Iterator[str]:
    listed = list(which)
    for writer, number in listed[:_SHOWN]:
        yield f"transaction {number} of {writer} {what}"
    if len(listed) > _SHOWN:
        yield f"so {what} with {len(listed) - _SHOWN} more"


def _differing(table: str, expected: Mapping[Key, Row], found: Mapping[Key, Row]) -> Iterator[str]:
    keys = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
    for key in islice(keys, _SHOWN):
        yield f"{table} {key}: is {found.get(key)}, should be {expected.get(key)}"
    if len(keys) > _SHOWN:
        yield f"{table}: {len(keys) - _SHOWN} more rows differ"


def two_sided(
    notes: Iterable[Note], windows: Sequence[Window], begins: Engine = Engine.SQLITE
) -> Iterator[str]:
    """Whether two sides were writable at once: the acknowledged writes need more changes than there were.

    Each was taken at some moment between its beginning and its acknowledgement, by the side that took writes
    then. The side is taken to change as late as the acknowledgements allow.
    """
    left, side, since, remaining = list(_taken(notes)), begins, 0, list(windows)
    while others := [one for one in left if one[2] is not side]:
        begun, moment, _ = min(others, key=lambda one: one[1])
        if begun < since and moment < since:
            yield f"a write was taken by {_other(side).value} at {moment}, after {side.value} had taken one"
        remaining = _after(remaining, moment, _other(side))
        if not remaining:
            yield f"{_other(side).value} took a write at {moment}, when {side.value} was the only side"
            return
        remaining = remaining[1:]
        left = [one for one in left if one[2] is not side or one[0] > moment]
        side, since = _other(side), moment


def _taken(notes: Iterable[Note]) -> Iterator[tuple[int, int, Engine]]:
    """Beginning and acknowledgement of each write that was taken, and by whom."""
    begun = dict[tuple[str, int], int]()
    for one in notes:
        if one.event == "begun":
            begun[one.writer, one.number] = one.at
        elif one.event == "acknowledged":
            yield begun[one.writer, one.number], one.at, one.engine


def _after(windows: Sequence[Window], moment: int, engine: Engine) -> list[Window]:
    """The windows from the first one on in which that change is possible."""
    fits = (at for at, one in enumerate(windows) if one.engine is engine and one.begin < moment)
    return list(windows[next(fits, len(windows)) :])


def _other(engine: Engine) -> Engine:
    return Engine.SQLITE if engine is Engine.POSTGRESQL else Engine.POSTGRESQL


_BUGS = re.compile(
    r"unique|duplicate|foreign key|not null|check constraint|syntax|malformed|readonly"
    r"|no such (?!file or directory)",  # which is the socket of a server that is not up yet
    re.IGNORECASE,
)
"""Errors that no kill and no fence explains: keys that collide, rules that are broken, tables that are gone.

PostgreSQL's fence hides the schema from sessions that it is about to end: no table exists for them.
"""


def wrong_words(notes: Iterable[Note]) -> Iterator[str]:
    """Failures of writers that no crash and no fence explains."""
    found = Counter(one.error for one in notes if one.event == "failed" and _BUGS.search(one.error))
    for error, times in found.most_common(_SHOWN):
        yield f"writers failed {times} times: {error}"


def refusals(notes: Iterable[Note], engine: Engine) -> set[str]:
    """What writers of a side were told."""
    return {one.error for one in notes if one.event == "failed" and one.engine is engine}
