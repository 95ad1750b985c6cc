"""Values too large to be rendered in one go: which they are, and what they are compared by. Pure.

A line holds at most ROW_BYTES of values. Where a table has rows that hold more, its values beyond a limit
stand in lines by their SHA-256, which both engines compute without showing the value to anybody; they
travel by themselves, a piece at a time. Lines and digests of lines stay what they are for everybody else.
"""

from collections.abc import Mapping, Sequence

from opskit.schema.model import Table, ascii_fold
from opskit.schema.names import literal, quote
from opskit.transfer.tables import Hashed, SourceColumn, SourceTable, Wide

ROW_BYTES = 512 * 1024
"""What the values of a row may hold together to be handled as one line, which takes a dozen times that. Below
this, lines are quicker."""

PIECE = 256 * 1024
"""Bytes of a value that are read at once."""

_HANDED_OVER = 64 * 1024
"""Bytes of a value up to which it is quicker to hand it over than to look it up."""

MARK = "sha256 "
"""What a line shows before the digest of a value, in place of the value."""

_TYPES = ("text", "character varying", "citext", "bytea")
"""Types that keep a value as the bytes that it has; without modifiers, which would limit it."""


def limits(columns: int, room: int = ROW_BYTES) -> tuple[int, ...]:
    """The limits in question for so many columns, the highest first; the last is good for any row.

    >>> limits(3, 1200), limits(100, 1200)
    ((1200, 400), (1200, 300, 75, 18, 12))
    """
    least = room // columns
    steps: list[int] = []
    while room > least:
        steps.append(room)
        room //= 4
    return (*steps, least)


def may_be_wide(pg_type: str) -> bool:
    """Can values of a type travel by themselves?"""
    return pg_type in _TYPES


def wide_columns(
    table: Table, types: Mapping[str, str], widths: Mapping[str, int], limit: int | None
) -> dict[str, Wide]:
    """The columns of a table whose values may be beyond the limit.

    Args:
        types: column → the type it becomes.
        widths: the same columns → bytes of the longest value as the file stores it.
        limit: as measured; None when there is none.
    """
    if limit is None:
        return {}
    # SQLite reads no pieces where columns are generated
    computes = any(column.generated for column in table.columns)
    wide = Wide(table.name, None if computes else rowid_name(table), limit)
    return {
        name: wide for name, width in widths.items() if may_be_wide(types[name]) and width > wide.candidates
    }


def rowid_name(table: Table) -> str | None:
    """A name of the rowid that no column has taken; None without one, or without rowids."""
    if table.without_rowid:
        return None
    taken = {ascii_fold(column.name) for column in table.columns if column.name != table.rowid_alias}
    return next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)


def hashed(source: SourceTable, targets: Sequence[str]) -> tuple[Hashed, ...]:
    """The columns of the target whose values are compared by their digests."""
    pairs = zip(source.columns, targets, strict=True)
    return tuple(
        Hashed(target, column.wide.limit, column.pg_type == "bytea")
        for column, target in pairs
        if column.wide
    )


def exceeds(name: str, wide: Wide) -> str:
    """The SQL that tells whether a value is read in pieces; the record's header tells, not the value."""
    return f"(ifnull(octet_length({quote(name)}), 0) > {wide.candidates})"


def any_exceeds(columns: Sequence[SourceColumn]) -> str:
    """The SQL that tells whether a row holds such a value; empty when none can."""
    return any_of([exceeds(column.name, column.wide) for column in columns if column.wide])


def any_of(conditions: Sequence[str]) -> str:
    """The SQL for one of some conditions; empty when there are none."""
    return joined(conditions, "OR")


def joined(terms: Sequence[str], operator: str) -> str:
    """The SQL of an operation on all terms; a balanced tree, as SQLite limits its depth.

    >>> joined(["a", "b", "c"], "+"), joined([], "OR")
    ('((a + b) + (c))', '')
    """
    rest = list(terms)
    while len(rest) > 1:
        rest = [f"({f' {operator} '.join(rest[start : start + 2])})" for start in range(0, len(rest), 2)]
    return rest[0] if rest else ""


def digest_field(column: SourceColumn, wide: Wide) -> str:
    """The SQL that renders a value beyond the limit; NULL when the type cannot hold it."""
    name = quote(column.name)
    digest = f"opskit_wide({literal(column.pg_type)}, {wide.limit}, {_address(column.name, wide)})"
    if column.pg_type == "bytea":
        return digest
    storable = f" AND {fault(column.name, wide)} = ''" if column.checked else ""
    return f"CASE WHEN typeof({name}) = 'text'{storable} THEN {digest} END"


def fault(name: str, wide: Wide) -> str:
    """The SQL that tells why PostgreSQL cannot store a text beyond the limit; empty when it can."""
    return f"opskit_wide_fault({_address(name, wide)})"


def content(name: str, wide: Wide) -> str:
    """The SQL that yields what is needed to read a value: its class; where it has no address, its bytes."""
    return _bytes(name) if wide.rowid is None else f"typeof({quote(name)})"


def _address(name: str, wide: Wide) -> str:
    """What a function reads a value by."""
    small = f"octet_length({quote(name)}) <= {_HANDED_OVER}"
    found = f"CASE WHEN {small} THEN {_bytes(name)} ELSE {content(name, wide)} END"
    return f"{literal(wide.table)}, {literal(name)}, {wide.rowid or 'NULL'}, {found}"


def _bytes(name: str) -> str:
    column = quote(name)
    return f"CASE typeof({column}) WHEN 'text' THEN opskit_utf8(CAST({column} AS BLOB)) ELSE {column} END"
