"""Divides a table into parts that are copied side by side, each about as long as the others."""

from typing import cast

import apsw

from opskit.migrate.facts import Part
from opskit.schema.model import Table
from opskit.schema.names import quote
from opskit.schema.sqlite_file import rows, scalar
from opskit.transfer.tables import Span
from opskit.transfer.wide import rowid_name

PART_COST = 32 * 1024 * 1024
"""What a part costs, roughly: small enough that no worker waits long for the last one."""

_ROW_COST = 100
"""Bytes that are copied in the time that a row takes, whatever it holds: measured, 1 µs a row and 6 ns a
byte."""

_SAMPLE = 500
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


def read_parts(connection: apsw.Connection, table: Table, count: int) -> tuple[Part, ...]:
    """The parts of a table of `count` rows; a table without rowids is one part.

    Raises:
        apsw.Error: the file cannot be read.
    """
    cost = (_row_bytes(connection, table) + _ROW_COST) * count
    rowid = rowid_name(table)
    parts = min(cost // PART_COST + 1, max(count, 1))
    if rowid is None or parts == 1:
        return (Part(count, cost),)
    each = -(-count // parts)
    name = quote(table.name)
    cuts = [_LOWEST]
    while len(cuts) * each < count:
        following = f"SELECT {rowid} FROM {name} WHERE {rowid} >= ? ORDER BY {rowid} LIMIT 1 OFFSET {each}"
        cuts.append(cast("int", scalar(connection, following, (cuts[-1],))))
    bounds = zip(cuts, [*(cut - 1 for cut in cuts[1:]), _HIGHEST], strict=True)
    lengths = [each] * (len(cuts) - 1) + [count - each * (len(cuts) - 1)]
    return tuple(
        Part(length, cost * length // count, Span(rowid, first, last))
        for length, (first, last) in zip(lengths, bounds, strict=True)
    )


def _row_bytes(connection: apsw.Connection, table: Table) -> int:
    """What a row holds on average, judged by the first ones."""
    lengths = [f"ifnull(octet_length({quote(column.name)}), 0)" for column in table.columns]
    total = 0
    for start in range(0, len(lengths), 100):  # a sum's depth is limited
        some = " + ".join(lengths[start : start + 100])
        sample = f"SELECT {some} AS size FROM {quote(table.name)} LIMIT {_SAMPLE}"
        (average,) = rows(connection, f"SELECT avg(size) FROM ({sample})")[0]
        total += round(cast("float | None", average) or 0)
    return total + len(lengths)
