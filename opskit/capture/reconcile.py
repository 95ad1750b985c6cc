"""Makes a table of the SQLite file equal to a snapshot, row by row, whatever happened meanwhile.

Rows are told apart by their lines, which both sides spell alike, so no key is needed. What is equal already
is not touched and stays as the application once wrote it. Lines are held as digests in temporary tables,
which SQLite keeps on disk.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

import apsw

from opskit.capture.counterpart import Counterpart
from opskit.capture.sqlite_side import executemany, insert_lines
from opskit.schema.names import quote
from opskit.schema.sqlite_file import Value, cursor, rows, scalar
from opskit.transfer.digest import Digest, row_digest
from opskit.transfer.proof import digest_source, digest_target
from opskit.transfer.source import MISFIT, FramingError, line_of, to_bytes
from opskit.transfer.target import Connection, copy_out

Alive = Callable[[int], None]
"""Called now and then with the number of rows done since the last call."""


def is_equal(file: apsw.Connection, snapshot: Connection, table: Counterpart, alive: Alive) -> bool:
    """Do both sides hold the same rows? Those that PostgreSQL could never hold are only here.

    Raises:
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    return digest_here(file, table, alive) == digest_target(snapshot, table.target, alive)


def digest_here(file: apsw.Connection, table: Counterpart, alive: Alive) -> Digest:
    """The digest of the table in the file.

    Raises:
        apsw.Error: the file cannot be read.
    """
    try:
        return digest_source(file, table.source, alive)
    except FramingError:  # some text holds the framing characters: let SQLite escape it
        return digest_source(file, replace(table.source, escaped=True), alive)


def reconcile(file: apsw.Connection, snapshot: Connection, table: Counterpart, alive: Alive) -> int:
    """Removes the rows that only the file has and stores those that only the snapshot has; returns how many.

    Inside a transaction of the file, which also takes back what a failure leaves in temporary tables.

    Raises:
        apsw.Error: the file cannot be written, or an index of it refuses a row.
        psycopg.Error: the server refused or went away.
    """
    rows(file, _SCRATCH.format(here=", ".join(["digest", *_addresses(table)])))
    executemany(file, f"INSERT INTO temp.here VALUES ({_marks(table)})", _here(file, table, alive))
    lines = (line for some in copy_out(snapshot, table.target) for line in some)
    executemany(file, "INSERT INTO temp.there VALUES (?)", ((_signed(line),) for line in lines))
    rows(file, _COUNT)
    removed = _remove_surplus(file, table)
    missing = cast("int", scalar(file, "SELECT ifnull(sum(count), 0) FROM temp.missing WHERE count > 0"))
    if missing:
        insert_lines(file, table, _missing(file, snapshot, table, alive))
    rows(file, _CLEAR)
    return removed + missing


_SCRATCH = """
CREATE TEMP TABLE here ({here});
CREATE TEMP TABLE there (digest);
CREATE TEMP TABLE missing (digest INTEGER PRIMARY KEY, count INTEGER);
"""
_CLEAR = "DROP TABLE temp.here; DROP TABLE temp.there; DROP TABLE temp.missing;"
_COUNT = """
INSERT INTO temp.missing
SELECT digest, sum(number) FROM (SELECT digest, count(*) AS number FROM temp.there GROUP BY digest
                                 UNION ALL SELECT digest, -count(*) FROM temp.here GROUP BY digest)
GROUP BY digest HAVING sum(number) <> 0;
"""
"""How many more rows with a line there are there than here; less than nothing where more are here."""

_SURPLUS = """
DELETE FROM {table} WHERE ({address}) IN (
    SELECT {names} FROM (
        SELECT h.*, m.count AS count, row_number() OVER (PARTITION BY h.digest) AS number
        FROM temp.here h JOIN temp.missing m ON m.digest = h.digest WHERE m.count < 0)
    WHERE number <= -count)
"""


def _remove_surplus(file: apsw.Connection, table: Counterpart) -> int:
    address = ", ".join(map(quote, table.address))
    statement = _SURPLUS.format(table=quote(table.name), address=address, names=", ".join(_addresses(table)))
    rows(file, statement)
    return file.changes()


def _addresses(table: Counterpart) -> list[str]:
    return [f"a{position}" for position in range(len(table.address))]


def _marks(table: Counterpart) -> str:
    return ", ".join("?" * (1 + len(table.address)))


def _here(file: apsw.Connection, table: Counterpart, alive: Alive) -> Iterator[tuple[Value, ...]]:
    """The digest and address of every row that PostgreSQL could hold."""
    source = replace(table.source, escaped=True)
    asked = ", ".join([line_of(file, source), *map(quote, table.address)])
    for done, (found, *address) in enumerate(cursor(file, f"SELECT {asked} FROM {quote(table.name)}")):
        line = to_bytes(found)
        if MISFIT not in line and row_digest(line) not in source.refused:
            yield (_signed(line), *address)
        if not done % _OFTEN:
            alive(min(done, _OFTEN))


_OFTEN = 10_000


def _missing(
    file: apsw.Connection, snapshot: Connection, table: Counterpart, alive: Alive
) -> Iterator[bytes]:
    """The lines that only the snapshot has, as often as they are missing."""
    take = "UPDATE temp.missing SET count = count - 1 WHERE digest = ? AND count > 0 RETURNING 1"
    for some in copy_out(snapshot, table.target):
        for line in some:
            if rows(file, take, (_signed(line),)):
                yield line
        alive(len(some))


def _signed(line: bytes) -> int:
    """A line's digest as SQLite holds numbers."""
    return row_digest(line) - 2**63
