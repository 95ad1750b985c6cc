"""Proof that nothing was lost: every acknowledged write is found, and both sides are equal."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import apsw
import psycopg

from benchmarks.switch.notes import notes_of
from benchmarks.switch.world import World
from benchmarks.switch.writes import TABLES, WRITERS, Write, write
from opskit.capture.sqlite_side import executemany
from opskit.schema.sqlite_file import rows


@dataclass(slots=True)
class Promised:
    """What a database must hold after the writes that were acknowledged."""

    there: set[str] = field(default_factory=set[str])
    gone: set[str] = field(default_factory=set[str])
    counted: dict[int, int] = field(default_factory=dict[int, int])
    open: set[str] = field(default_factory=set[str])

    def take(self, one: Write, *, is_sure: bool) -> None:
        """Adds a write; of one whose end is not known, nothing is promised."""
        if not is_sure:
            self.open |= {one.inserted, one.deleted or ""}
            self.counted.pop(one.updated, None)
            return
        self.there.add(one.inserted)
        self.counted[one.updated] = one.number
        if one.deleted:
            self.gone.add(one.deleted)
            self.there.discard(one.deleted)


def lost(world: World) -> list[str]:
    """Acknowledged writes that SQLite does not hold in their last state."""
    return [f"{name}: {what}" for name in TABLES for what in _lost(world, name)]


def _lost(world: World, name: str) -> Iterator[str]:
    promised = Promised()
    for writer in range(WRITERS):
        for one in notes_of(world.application, name, writer):
            if one.kind != "try":
                promised.take(_write(world, name, writer, one.number), is_sure=one.kind == "done")
    tables = TABLES[name]
    connection = apsw.Connection(str(world.file(name)), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        keys = rows(connection, "SELECT {1} FROM {0} WHERE {1} LIKE 'w%'".format(*tables.keyed))
        found = {str(key) for (key,) in keys}
        counts = rows(connection, "SELECT id, {1} FROM {0} WHERE {1} IS NOT NULL".format(*tables.counted))
        counted = {row: number for row, number in counts if row in promised.counted}
    finally:
        connection.close()
    yield from (f"{key} is missing" for key in promised.there - found - promised.open)
    yield from (f"{key} is there again" for key in (promised.gone & found) - promised.open)
    for row, number in promised.counted.items():
        if counted.get(row) != number:
            yield f"row {row} holds {counted.get(row)} instead of {number}"


def set_apart(world: World, since: float) -> None:
    """Takes what SQLite was given since a rollback began out of both sides, which must then be equal."""
    for name, tables in TABLES.items():
        keys, numbers = _touched(world, name, since)
        statements = [
            ("DELETE FROM {} WHERE {} = ?".format(*tables.keyed), keys),
            (f"DELETE FROM {tables.counted[0]} WHERE id = ?", numbers),
            ("DELETE FROM visits WHERE page = ?", keys if tables.keyless else []),
        ]
        file = apsw.Connection(str(world.file(name)))
        with psycopg.connect(world.cluster.conninfo(name)) as server, file:
            server.execute("SET session_replication_role = replica")
            for statement, values in statements:
                executemany(file, statement, values)
                server.cursor().executemany(statement.replace("?", "%s").encode(), values)
            for table, last in rows(file, "SELECT name, seq FROM sqlite_sequence"):
                server.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, last))
        file.close()


def _touched(world: World, name: str, since: float) -> tuple[list[tuple[str]], list[tuple[int]]]:
    keys: set[tuple[str]] = set()
    numbers: set[tuple[int]] = set()
    for writer in range(WRITERS):
        for note in notes_of(world.application, name, writer):
            if note.at > since and note.engine == "sqlite" and note.kind != "try":
                one = _write(world, name, writer, note.number)
                keys |= {(key,) for key in (one.inserted, one.deleted) if key}
                numbers.add((one.updated,))
    return sorted(keys), sorted(numbers)


def _write(world: World, name: str, writer: int, number: int) -> Write:
    return write(writer, number, world.rows // (2 if name == "main" else 4))
