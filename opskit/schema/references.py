"""Which types may refer to which, and the types of columns that refer to others."""

from collections.abc import Iterator, Mapping

from opskit.schema.model import Schema, Storage
from opskit.schema.types import ColumnProfile, TypeChoice

_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_MOMENTS = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})


def can_refer(child: str, parent: str) -> bool:
    """Whether PostgreSQL lets a column of one type refer to a column of another.

    >>> can_refer("bigint", "numeric(10,2)"), can_refer("numeric", "bigint"), can_refer("text", "bigint")
    (True, False, False)
    """
    mine, theirs = (one.partition("(")[0] for one in (child, parent))
    if mine == theirs:
        return mine != "json"
    return any(
        mine in ours and theirs in parents
        for ours, parents in (
            (_INTEGERS, {*_INTEGERS, "numeric", "double precision"}),
            ({"numeric"}, {"double precision"}),
            (_MOMENTS, _MOMENTS),
        )
    )


def align_foreign_keys(
    schema: Schema,
    profiles: Mapping[str, Mapping[str, ColumnProfile]],
    choices: Mapping[str, Mapping[str, TypeChoice]],
) -> dict[str, dict[str, TypeChoice]]:
    """The choices, with columns that refer to a column of another type in that type where all values fit.

    Args:
        profiles: table → column → what it holds.
    """
    aligned = {table: dict(columns) for table, columns in choices.items()}
    for _ in schema.tables:  # a column that is referred to may refer to another itself
        changes = list(_misaligned(schema, aligned))
        for table, column, parent, wanted in changes:
            if _holds(profiles[table][column], wanted) and not aligned[table][column].configured:
                aligned[table][column] = TypeChoice(
                    wanted, f"refers to {parent}, which is {wanted}", told=True
                )
    return aligned


def _misaligned(
    schema: Schema, choices: Mapping[str, Mapping[str, TypeChoice]]
) -> Iterator[tuple[str, str, str, str]]:
    """Table, column, the column it refers to, and that one's type, where PostgreSQL would refuse the pair."""
    for table in schema.tables:
        for key in table.foreign_keys:
            parent = schema.parent(key)
            if parent is None or not parent.is_key(key.parent_columns):
                continue
            for mine, theirs in zip(key.columns, key.parent_columns, strict=False):
                column, referred = table.column(mine).name, parent.column(theirs).name
                wanted = choices[parent.name][referred].pg_type
                if not can_refer(choices[table.name][column].pg_type, wanted):
                    yield table.name, column, f"{parent.name}.{referred}", wanted


def _holds(profile: ColumnProfile, pg_type: str) -> bool:
    """Whether every value is known to fit: looked at by the profile, or clear from the storage classes."""
    if pg_type in profile.misfits:
        return not profile.misfits[pg_type]
    filled = {storage for storage, count in profile.storage.items() if count} - {Storage.NULL}
    kept = {Storage.INTEGER: {"bigint", "numeric", "text"}, Storage.REAL: {"text"}, Storage.TEXT: {"text"}}
    return all(pg_type in kept.get(storage, set[str]()) for storage in filled)
