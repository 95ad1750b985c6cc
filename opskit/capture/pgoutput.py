"""Reads pgoutput, PostgreSQL's own logical decoding format, protocol version 1. Pure: bytes in, values out.

Only keys are taken from it: values that did not change and stand in TOAST are absent from updates, so rows
are read anew by their keys (https://www.postgresql.org/docs/15/protocol-logicalrep-message-formats.html).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct, unpack_from

Key = tuple[str, ...]
"""The key of a row: its values as PostgreSQL prints them, in the order of the table's columns."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction begins.

    Attributes:
        commit: the LSN of its commit record.
        xid: its number, without the epoch.
    """

    commit: int
    xid: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction ends; the log behind it begins at LSN `end`."""

    end: int


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as it is from here on; `key` are the positions of its key's columns."""

    oid: int
    schema: str
    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A row was written or removed: the keys that it had and has."""

    table: Relation
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Truncate:
    """Tables were emptied."""

    tables: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """What pg_logical_emit_message() wrote."""

    prefix: str
    content: bytes


Message = Begin | Commit | Relation | Change | Truncate | Marker

_BEGIN = Struct("!QQI")
_COMMIT = Struct("!BQQQ")
_NULL, _UNCHANGED = ord("n"), ord("u")


class Malformed(Exception):
    """Not the format that is known; the server is another version, or the bytes are damaged."""


class Decoder:
    """Knows the tables that a stream has described so far."""

    def __init__(self) -> None:
        self._tables: dict[int, Relation] = {}

    def decode(self, data: bytes) -> Message | None:
        """The message in some bytes, None for one that says nothing about rows.

        Raises:
            Malformed: it is none.
        """
        kind = data[:1]
        if kind in b"IUD":
            return self._change(data)
        if kind == b"B":
            commit, _, xid = _BEGIN.unpack_from(data, 1)
            return Begin(commit, xid)
        if kind == b"C":
            return Commit(_COMMIT.unpack_from(data, 1)[2])
        if kind == b"R":
            table = _relation(data)
            self._tables[table.oid] = table
            return table
        if kind == b"T":
            count, _ = unpack_from("!IB", data, 1)
            return Truncate(tuple(self._tables[oid] for oid in unpack_from(f"!{count}I", data, 6)))
        if kind == b"M":
            return _marker(data)
        if kind in b"YO":
            return None
        raise Malformed(data[:20])

    def _change(self, data: bytes) -> Change:
        table = self._tables[int.from_bytes(data[1:5])]
        old = None
        place = 5
        if data[place] in b"KO":
            old, place = _tuple(data, place + 1)
        if data[:1] == b"D":
            return Change(table, (_key(table, old or ()),))
        new, _ = _tuple(data, place + 1, max(table.key, default=-1) + 1)
        if old is None:
            return Change(table, (_key(table, new),))
        # a key that stands in TOAST and did not change is only among the old values
        merged = [before if now is _KEPT else now for before, now in zip(old, new, strict=False)]
        return Change(table, (_key(table, old), _key(table, merged)))


class _Kept:
    """Stands for a value that did not change and was not sent."""


_KEPT = _Kept()
_Field = str | None | _Kept


def _key(table: Relation, values: Sequence[_Field]) -> Key:
    key = tuple(value for position in table.key if isinstance(value := values[position], str))
    if len(key) != len(table.key):
        raise Malformed(f"a row of {table.name} without its key")
    return key


def _tuple(data: bytes, place: int, most: int = 65536) -> tuple[list[_Field], int]:
    """The first values of a row, `most` at most, and where they end."""
    count = min(most, int.from_bytes(data[place : place + 2]))
    place += 2
    values: list[_Field] = []
    for _ in range(count):
        kind = data[place]
        if kind == _NULL:
            values.append(None)
            place += 1
        elif kind == _UNCHANGED:
            values.append(_KEPT)
            place += 1
        else:
            start = place + 5
            place = start + int.from_bytes(data[place + 1 : start])
            values.append(data[start:place].decode())
    return values, place


def _relation(data: bytes) -> Relation:
    oid = int.from_bytes(data[1:5])
    schema, place = _text(data, 5)
    name, place = _text(data, place)
    count = int.from_bytes(data[place + 1 : place + 3])  # behind a byte about the replica identity
    place += 3
    columns: list[str] = []
    key: list[int] = []
    for position in range(count):
        if data[place]:
            key.append(position)
        column, place = _text(data, place + 1)
        columns.append(column)
        place += 8  # type and modifier
    return Relation(oid, schema or "pg_catalog", name, tuple(columns), tuple(key))


def _marker(data: bytes) -> Marker:
    prefix, place = _text(data, 10)
    return Marker(prefix, data[place + 4 :])


def _text(data: bytes, place: int) -> tuple[str, int]:
    end = data.index(0, place)
    return data[place:end].decode(), end + 1
