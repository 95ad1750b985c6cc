"""What the columns of the sample data hold: endless iterators, so that a table of any size is a `zip`.

Ordinary columns go round a short list drawn at the beginning, which costs next to nothing a row; keys are
computed from the row's number, so that foreign keys hold without anything being remembered.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, count, cycle
from random import Random

from opskit.demo import sample_values as values
from opskit.demo.sample_values import Value

PERIODS = (997, 1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049, 1051)
"""How many values a column goes round; primes, so that columns do not repeat in step."""

STRIDE = 48_271
"""How far apart the parents of neighbouring rows lie; a prime, so that all parents have their turn."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a column may depend on: how many rows every table has, and randomness of its own."""

    rows: Mapping[str, int]
    random: Random


Maker = Callable[[Sizes], Iterator[Value]]


def key(table: str) -> Maker:
    """The table's own TEXT keys, ascending."""
    return lambda _: map(identify(table), count())


def number(start: int = 1) -> Maker:
    """Ascending integers."""
    return lambda _: count(start)


def numbered(pattern: str) -> Maker:
    """Distinct texts: the pattern with the row's number in it."""
    return lambda _: map(pattern.format, count(1))


def parent(table: str) -> Maker:
    """TEXT keys of the table's rows, spread over all of them."""
    return lambda sizes: map(identify(table), _spread(sizes.rows[table]))


def parent_number(table: str) -> Maker:
    """Integer keys of the table's rows, spread over all of them."""
    return lambda sizes: (row + 1 for row in _spread(sizes.rows[table]))


def previous(table: str) -> Maker:
    """TEXT keys of the row before in the same table; every fifth row begins anew with NULL."""
    identity = identify(table)
    return lambda _: (identity(row - 1) if row % 5 else None for row in count())


def previous_number() -> Maker:
    """As `previous`, for integer keys that begin at 1."""
    return lambda _: (row if row % 5 else None for row in count())


def group(table: str, parents: str) -> Maker:
    """The parent's key as the first part of a composite key: neighbouring rows have the same parent."""
    identity = identify(parents)
    return lambda sizes: (identity(row // _group_size(sizes, table, parents)) for row in count())


def place(table: str, parents: str) -> Maker:
    """The row's place under the parent that `group` gives it, from 1."""
    return lambda sizes: (row % _group_size(sizes, table, parents) + 1 for row in count())


def day_in_group(table: str, parents: str) -> Maker:
    """As `place`, told as a date."""
    return lambda sizes: map(day, (row % _group_size(sizes, table, parents) for row in count()))


def neighbour(table: str, parents: str) -> Maker:
    """As `place`, told as the key of a parent next to the one that `group` gives."""
    identity = identify(parents)

    def make(sizes: Sizes) -> Iterator[Value]:
        size, number_of_parents = _group_size(sizes, table, parents), sizes.rows[parents]
        return (identity((row // size + row % size + 1) % number_of_parents) for row in count())

    return make


def days(rows_a_day: int) -> Maker:
    """Ascending dates, the same for so many rows."""
    return lambda _: (day(row // rows_a_day) for row in count())


def in_turn(*choices: Value) -> Maker:
    """The choices in turn."""
    return lambda _: cycle(choices)


def optional(maker: Maker, *, every: int = 3) -> Maker:
    """NULL in place of one value of so many."""
    return lambda sizes: (None if row % every == 0 else value for row, value in enumerate(maker(sizes)))


def some(draw: Callable[[Random], Value], *, awkward: Sequence[Value] = (), nulls: float = 0.0) -> Maker:
    """Values drawn at random, the awkward ones at least once in a period.

    Args:
        nulls: the share of NULL among the drawn values, 0 to 1.
    """

    def make(sizes: Sizes) -> Iterator[Value]:
        random = sizes.random
        ordinary = random.choice(PERIODS) - len(awkward)
        drawn = [None if random.random() < nulls else draw(random) for _ in range(ordinary)]
        period = list(chain(awkward, drawn))
        random.shuffle(period)
        return cycle(period)

    return make


def choice(*choices: Value, nulls: float = 0.0) -> Maker:
    """One of the choices."""
    return some(lambda random: random.choice(choices), nulls=nulls)


def texts(*, nulls: float = 0.0) -> Maker:
    """Sentences, and every awkward text."""
    return some(_sentence, awkward=values.AWKWARD_TEXTS, nulls=nulls)


def names(*, nulls: float = 0.0) -> Maker:
    """Two or three words."""
    return some(lambda random: " ".join(random.choices(values.WORDS, k=random.randint(2, 3))), nulls=nulls)


def json_texts(*, nulls: float = 0.0) -> Maker:
    """JSON of several shapes and spellings."""
    return some(_json, awkward=values.AWKWARD_JSON, nulls=nulls)


def json_lists(pattern: str) -> Maker:
    """JSON arrays of texts made from the pattern."""
    return some(
        lambda random: json.dumps(
            [pattern.format(random.randint(1, 999)) for _ in range(random.randint(0, 3))]
        )
    )


def moments(*, nulls: float = 0.0) -> Maker:
    """ISO timestamps in every spelling that the application uses."""
    return some(lambda random: _moment(random, random.choice(values.MOMENT_SPELLINGS)), nulls=nulls)


def dates(*, nulls: float = 0.0) -> Maker:
    """ISO dates."""
    return some(lambda random: day(random.randint(0, 2000)), nulls=nulls)


def flags(*, true: float = 0.5, nulls: float = 0.0) -> Maker:
    """Booleans as SQLite holds them, 0 and 1."""
    return some(lambda random: int(random.random() < true), nulls=nulls)


def money(high: float = 500.0, *, nulls: float = 0.0) -> Maker:
    """Amounts with two decimals, as REAL."""
    return some(lambda random: round(random.uniform(0.01, high), 2), nulls=nulls)


def integers(low: int, high: int) -> Maker:
    """Integers between the two."""
    return some(lambda random: random.randint(low, high))


def big_integers(*, nulls: float = 0.0) -> Maker:
    """Integers up to both ends of 64 bits."""
    return some(lambda random: random.randint(0, 10**9), awkward=values.AWKWARD_INTEGERS, nulls=nulls)


def shares() -> Maker:
    """Floats from 0 to 1."""
    return some(Random.random, awkward=(0.0, 1.0, 5e-324, 1 / 3))


def floats(*, nulls: float = 0.0) -> Maker:
    """Floats up to both ends of the range."""
    return some(lambda random: random.gauss(0, 1000), awkward=values.AWKWARD_FLOATS, nulls=nulls)


def blobs(*, nulls: float = 0.0) -> Maker:
    """Bytes, none to some thousand."""
    return some(
        lambda random: random.randbytes(random.randint(1, 400)), awkward=values.AWKWARD_BLOBS, nulls=nulls
    )


def identify(table: str) -> Callable[[int], str]:
    """How a table's rows are named: like UUIDs, but ascending with the row's number, counted from 0."""
    tag = f"{zlib.crc32(table.encode()) & 0xFFFF:04x}"
    return lambda row: f"{row:08x}-{tag}-4000-8000-{row * 0x9E3779B97F4A & 0xFFFFFFFFFFFF:012x}"


def day(offset: int) -> str:
    """The ISO date so many days after the beginning of the sample's time."""
    return (values.BEGINNING + timedelta(days=offset)).date().isoformat()


def _spread(rows: int) -> Iterator[int]:
    return (row * STRIDE % rows for row in count())


def _group_size(sizes: Sizes, table: str, parents: str) -> int:
    return -(-sizes.rows[table] // sizes.rows[parents])


def _sentence(random: Random) -> str:
    return (
        f"{random.choice(values.SENTENCES)} {' '.join(random.choices(values.WORDS, k=random.randint(0, 12)))}"
    )


def _json(random: Random) -> str:
    return json.dumps(
        {
            "score": round(random.random(), 4),
            "labels": random.choices(values.WORDS, k=random.randint(0, 4)),
            "source": {"name": random.choice(values.WORDS), "verified": random.random() < 0.5, "note": None},
        },
        ensure_ascii=random.random() < 0.5,
    )


def _moment(random: Random, spelling: str) -> str:
    moment: datetime = values.BEGINNING + timedelta(seconds=random.randrange(80_000_000))
    return moment.strftime(spelling)
