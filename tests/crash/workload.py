"""What the writers write: seed, writer and number make the transaction, its SQL and what it leaves. Pure.

    python -m tests.crash.workload SEED WRITER COUNT    # a line of JSON each, for writers in other languages

A writer touches only rows of its own. The first statement of each transaction claims the writer's row, which
puts its transactions in order also when an answer never came; the last leaves a token in a keyless table.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from opskit.config import Engine
from tests.crash.operations import (
    SHAPES,
    Change,
    Move,
    Operation,
    Put,
    Remove,
    Row,
    State,
    Statement,
    apply,
    statements,
)

TOKENS = "tokens"
_KEYS = 8


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a writer does at once."""

    writer: str
    number: int
    database: str
    operations: tuple[Operation, ...]

    def statements(self, engine: Engine) -> Iterator[Statement]:
        """Its SQL with `?` for parameters, the claim first and the token last."""
        yield "UPDATE writers SET last = ? WHERE writer = ?", [self.number, self.writer]
        for one in self.operations:
            yield from statements(SHAPES[self.database], one, engine)
        yield f"INSERT INTO {TOKENS} (writer, number) VALUES (?, ?)", [self.writer, self.number]

    def apply(self, state: State) -> None:
        """Does to a state what it does to a database."""
        state["writers"][self.writer,]["last"] = self.number
        for one in self.operations:
            apply(SHAPES[self.database], one, state)


def transaction(seed: int, writer: str, number: int) -> Transaction:
    """A writer's transaction of a number.

    >>> transaction(7, "w0", 3) == transaction(7, "w0", 3) != transaction(8, "w0", 3)
    True
    """
    chance = Random(f"{seed}/{writer}/{number}")
    database = chance.choice(tuple(SHAPES))
    kinds = chance.sample(_WORK[database], chance.randint(1, 3))
    operations = tuple(one for kind in kinds for one in kind(chance, writer, number))
    return Transaction(writer, number, database, operations)


def beginning(database: str, writers: Iterable[str]) -> State:
    """What a database holds before the first transaction."""
    state: State = {table: {} for table in SHAPES[database]}
    for writer in writers:
        state["writers"][writer,] = {"writer": writer, "last": 0}
        if "counts" in state:
            state["counts"][writer,] = {"writer": writer, "items": 0}
    return state


def _items(chance: Random, writer: str, number: int) -> Iterator[Operation]:
    name, other = _names(chance, writer)
    row: Row = {
        "name": name,
        "owner": writer,
        "value": number,
        "data": {"n": number, "ключ": {"deep": None}},
        "image": number.to_bytes(4, "big").hex() if chance.random() < 0.8 else None,
    }
    yield chance.choice(
        [
            Put("items", row, replaces=True),
            Put("items", row, replaces=True),
            Change("items", (name,), {"value": number, "data": {"n": number}}),
            Move("items", (name,), (other,)),
            Remove("items", {"name": name}),
        ]
    )


def _pairs(chance: Random, writer: str, number: int) -> Iterator[Operation]:
    one, other = chance.sample(range(_KEYS), 2)
    row: Row = {"a": writer, "b": one, "value": f"{number}"}
    yield chance.choice(
        [
            Put("pairs", row),
            Put("pairs", row, replaces=True),
            Move("pairs", (writer, one), (writer, other)),
            Remove("pairs", {"a": writer, "b": one}),
        ]
    )


def _tree(chance: Random, writer: str, number: int) -> Iterator[Operation]:
    root = _name(chance, writer)
    if chance.random() < 0.3:
        yield Remove("tree", {"parent": root})
        yield Remove("tree", {"id": root})
        return
    yield Put("tree", {"id": root, "parent": None, "value": number})
    yield Put("tree", {"id": f"{root}/{chance.randrange(3)}", "parent": root, "value": number})


def _teams(chance: Random, writer: str, number: int) -> Iterator[Operation]:
    name = _name(chance, writer)
    if chance.random() < 0.3:
        yield Remove("members", {"team": name})
        yield Remove("teams", {"id": name})
        return
    lead = f"{name}/{chance.randrange(2)}"
    yield Put("teams", {"id": name, "lead": lead})
    yield Put("members", {"id": lead, "team": name, "value": number})


def _notes(chance: Random, writer: str, number: int) -> Iterator[Operation]:
    name, other = _names(chance, writer)
    row: Row = {
        "name": name,
        "body": f"note n{number} of {writer}, it's “quoted” % ☃",
        "at": f"2026-01-{1 + number % 28:02} 03:04:{number % 60:02}",
        "done": bool(number % 2),
    }
    yield chance.choice(
        [
            Put("notes", row),
            Put("notes", row),
            Change("notes", (name,), {"body": f"changed n{number}", "done": None}),
            Remove("notes", {"name": name}),
        ]
    )
    if chance.random() < 0.2:
        yield Remove("notes", {"name": other})
        yield Move("notes", (name,), (other,))


def _orders(chance: Random, writer: str, number: int) -> Iterator[Operation]:
    order = _name(chance, writer)
    kind = chance.random()
    if kind < 0.25:
        yield Remove("lines", {"order": order})
        yield Remove("orders", {"number": order})
    elif kind < 0.5:
        one, other = chance.sample(range(4), 2)
        yield Move("lines", (order, one), (order, other))
    else:
        yield Put("orders", {"number": order, "total": number})
        for line in chance.sample(range(4), chance.randint(1, 3)):
            yield Put("lines", {"order": order, "line": line, "sku": f"{number}"})


_Work = Callable[[Random, str, int], Iterator[Operation]]
_WORK: Mapping[str, Sequence[_Work]] = {
    "main": (_items, _pairs, _tree, _teams),
    "walmart": (_notes, _notes, _orders),
}


def _name(chance: Random, writer: str) -> str:
    return f"{writer}-{chance.randrange(_KEYS)}"


def _names(chance: Random, writer: str) -> tuple[str, str]:
    one, other = chance.sample(range(_KEYS), 2)
    return f"{writer}-{one}", f"{writer}-{other}"


def line(one: Transaction) -> str:
    """A transaction for writers in other languages."""
    work = {engine.value: list(one.statements(engine)) for engine in Engine}
    entry = {"number": one.number, "database": one.database, **work}
    return json.dumps(entry, default=lambda value: {"hex": value.hex()}, ensure_ascii=False)


if __name__ == "__main__":
    for each in range(1, int(sys.argv[3]) + 1):
        print(line(transaction(int(sys.argv[1]), sys.argv[2], each)))
