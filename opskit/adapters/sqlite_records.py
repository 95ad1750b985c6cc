"""What SQLite's cursors give: typed, and decoded by the columns' declarations."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import apsw

from opskit.adapters.api import Value
from opskit.adapters.rows import Record
from opskit.adapters.values import Stored, sqlite_decoder


class Cursor(Protocol):
    """What is used of apsw.Cursor, fully typed (apsw's own stubs leave the values partly unknown)."""

    def execute(self, statements: str, bindings: Sequence[Stored] = ()) -> "Cursor": ...
    def get_description(self) -> tuple[tuple[str, str | None], ...]: ...
    def fetchone(self) -> tuple[Stored, ...] | None: ...
    def __iter__(self) -> Iterator[tuple[Stored, ...]]: ...
    def close(self, force: bool = False) -> None: ...


class Executes(Protocol):
    """What is used of apsw.Connection to run statements, fully typed."""

    def execute(self, statements: str, bindings: Sequence[Stored] = ()) -> Cursor: ...
    def cursor(self) -> Cursor: ...


class Decode:
    """Decodes the columns of a record that need it."""

    def __init__(self, declared: tuple[str | None, ...]) -> None:
        decoders = [(place, sqlite_decoder(one)) for place, one in enumerate(declared)]
        self._decoders = [(place, decoder) for place, decoder in decoders if decoder is not None]

    def __call__(self, stored: tuple[Stored, ...]) -> Record:
        if not self._decoders:
            return stored
        values: list[Value] = list(stored)
        for place, decoder in self._decoders:
            values[place] = decoder(stored[place])
        return values


def description(cursor: Cursor) -> tuple[tuple[str, ...], Decode]:
    """The names of a cursor's columns, and what decodes its records; nothing when it has no row."""
    try:
        columns = cursor.get_description()
    except apsw.ExecutionCompleteError:
        return (), Decode(())
    return tuple(name for name, _ in columns), Decode(tuple(declared for _, declared in columns))
