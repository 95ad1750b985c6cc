"""What a writer does to a row, as SQL for both engines and as what it leaves. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from opskit.config import Engine
from opskit.schema.names import quote

Scalar: TypeAlias = str | int | bytes | bool | None
Plain: TypeAlias = "str | int | bool | Mapping[str, Plain] | None"
"""A value as both sides are compared: JSON parsed, bytes in hex."""

Row: TypeAlias = dict[str, Plain]
Key: TypeAlias = tuple[Plain, ...]
State: TypeAlias = dict[str, dict[Key, Row]]
"""Table → key → row."""

Statement: TypeAlias = tuple[str, list[Scalar]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a key, as the application knows it.

    Attributes:
        columns: all but those that the engine fills.
        kinds: column → `json`, `bytes`, `boolean` or `moment`; texts and whole numbers have none.
    """

    key: tuple[str, ...]
    columns: tuple[str, ...]
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])


SHAPES: Mapping[str, Mapping[str, Table]] = {
    "main": {
        "writers": Table(("writer",), ("writer", "last")),
        "items": Table(
            ("name",), ("name", "owner", "value", "data", "image"), {"data": "json", "image": "bytes"}
        ),
        "counts": Table(("writer",), ("writer", "items")),
        "pairs": Table(("a", "b"), ("a", "b", "value")),
        "tree": Table(("id",), ("id", "parent", "value")),
        "teams": Table(("id",), ("id", "lead")),
        "members": Table(("id",), ("id", "team", "value")),
    },
    "walmart": {
        "writers": Table(("writer",), ("writer", "last")),
        "notes": Table(("name",), ("name", "body", "at", "done"), {"at": "moment", "done": "boolean"}),
        "orders": Table(("number",), ("number", "total")),
        "lines": Table(("order", "line"), ("order", "line", "sku")),
    },
}
"""Database → table → its shape. Every table but `tokens`, which has no key."""


@dataclass(frozen=True, slots=True)
class Put:
    """A row comes, or takes the place of the one with its key.

    Attributes:
        replaces: by REPLACE where there is one: the old row goes, and triggers see a new one.
    """

    table: str
    row: Row
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Columns of the row with a key change, if there is one."""

    table: str
    key: Key
    values: Row


@dataclass(frozen=True, slots=True)
class Move:
    """The row with a key gets another; one that stood there goes. Nothing where there is no such row."""

    table: str
    key: Key
    to: Key


@dataclass(frozen=True, slots=True)
class Remove:
    """All rows with these values go."""

    table: str
    where: Row


Operation = Put | Change | Move | Remove


def apply(shape: Mapping[str, Table], one: Operation, state: State) -> None:
    """Does to a state what the operation does to a database."""
    rows, table = state[one.table], shape[one.table]
    match one:
        case Put():
            rows[tuple(one.row[name] for name in table.key)] = dict(one.row)
            if one.table == "items":
                _count(state, str(one.row["owner"]))
        case Change():
            if one.key in rows:
                rows[one.key].update(one.values)
        case Move():
            if one.key in rows:
                rows[one.to] = {**rows.pop(one.key), **dict(zip(table.key, one.to, strict=True))}
        case Remove():
            gone = [key for key, row in rows.items() if one.where.items() <= row.items()]
            for key in gone:
                del rows[key]


def _count(state: State, writer: str) -> None:
    """The application's trigger: it fires for each item that comes, never for one carried over."""
    row = state["counts"][writer,]
    row["items"] = int(str(row["items"])) + 1


def statements(shape: Mapping[str, Table], one: Operation, engine: Engine) -> Iterator[Statement]:
    """Its SQL, with `?` for parameters."""
    table = shape[one.table]
    match one:
        case Put():
            yield from _put(table, one, engine)
        case Change():
            changes, values = _pairs_of(table, one.values, engine, ", ")
            where, key = _pairs_of(table, _key(table, one.key), engine)
            yield f"UPDATE {quote(one.table)} SET {changes} WHERE {where}", values + key
        case Move():
            yield from _move(table, one, engine)
        case Remove():
            where, values = _pairs_of(table, one.where, engine)
            yield f"DELETE FROM {quote(one.table)} WHERE {where}", values


def _put(table: Table, one: Put, engine: Engine) -> Iterator[Statement]:
    columns = ", ".join(map(quote, one.row))
    values = [_bound(table, name, value, engine) for name, value in one.row.items()]
    into = f"INTO {quote(one.table)} ({columns}) VALUES ({', '.join('?' * len(values))})"
    if not one.replaces:
        keys = ", ".join(map(quote, table.key))
        others = ", ".join(
            f"{quote(name)} = excluded.{quote(name)}" for name in one.row if name not in table.key
        )
        yield f"INSERT {into} ON CONFLICT ({keys}) DO UPDATE SET {others}", values
    elif engine is Engine.SQLITE:
        yield f"REPLACE {into}", values
    else:
        where, key = _pairs_of(table, {name: one.row[name] for name in table.key}, engine)
        yield f"DELETE FROM {quote(one.table)} WHERE {where}", key
        yield f"INSERT {into}", values


def _move(table: Table, one: Move, engine: Engine) -> Iterator[Statement]:
    new, to = _pairs_of(table, _key(table, one.to), engine, ", ")
    where, key = _pairs_of(table, _key(table, one.key), engine)
    name = quote(one.table)
    if engine is Engine.SQLITE:
        yield f"UPDATE OR REPLACE {name} SET {new} WHERE {where}", to + key
        return
    there, _ = _pairs_of(table, _key(table, one.to), engine)
    yield f"DELETE FROM {name} WHERE {there} AND EXISTS (SELECT 1 FROM {name} WHERE {where})", to + key
    yield f"UPDATE {name} SET {new} WHERE {where}", to + key


def _key(table: Table, key: Key) -> Row:
    return dict(zip(table.key, key, strict=True))


def _pairs_of(
    table: Table, row: Mapping[str, Plain], engine: Engine, between: str = " AND "
) -> tuple[str, list[Scalar]]:
    words = between.join(f"{quote(name)} = ?" for name in row)
    return words, [_bound(table, name, value, engine) for name, value in row.items()]


def _bound(table: Table, column: str, value: Plain, engine: Engine) -> Scalar:
    """The value as a statement takes it."""
    match table.kinds.get(column):
        case "json" if value is not None:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case "bytes" if isinstance(value, str):
            return bytes.fromhex(value)
        case "boolean" if value is not None and engine is Engine.SQLITE:
            return int(bool(value))
        case "moment" if value is not None and engine is Engine.POSTGRESQL:
            return f"{value}+00"  # in UTC, whatever zone the session is in
        case _:
            if isinstance(value, Mapping):
                raise TypeError(column)
            return value
