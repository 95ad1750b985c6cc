"""Which types may refer to which, and the types of columns that refer to others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opskit.schema.model import Schema, Storage
from opskit.schema.types import ColumnProfile, TypeChoice

_INTEGERS = frozenset({"smallint", "integer", "bigint"})


def can_refer(child: str, parent: str) -> bool:
    """Whether PostgreSQL lets a column of one type refer to a column of another, and compares them as SQLite.

    It also lets dates refer to timestamps, which then are equal in one time zone only.

    >>> can_refer("bigint", "numeric(10,2)"), can_refer("numeric", "bigint"), can_refer("text", "bigint")
    (True, False, False)
    """
    mine, theirs = (one.partition("(")[0] for one in (child, parent))
    if mine == theirs:
        return mine != "json"
    if mine in _INTEGERS:
        return theirs in {*_INTEGERS, "numeric", "double precision"}
    return mine == "numeric" and theirs == "double precision"


@dataclass(frozen=True, slots=True)
class _Link:
    """A column that refers to a column of a key."""

    table: str
    column: str
    parent: str
    referred: str


def align_foreign_keys(
    schema: Schema,
    profiles: Mapping[str, Mapping[str, ColumnProfile]],
    choices: Mapping[str, Mapping[str, TypeChoice]],
) -> dict[str, Mapping[str, TypeChoice]]:
    """The choices, with columns that refer to a column of another type in that type where all values fit.

    Args:
        profiles: table → column → what it holds.
    """
    aligned = {table: dict(columns) for table, columns in choices.items()}
    links = tuple(_links(schema))
    for _ in links:  # one after the other: a column that is referred to may refer to another itself
        link = next((one for one in links if _should_follow(one, profiles, aligned)), None)
        if link is None:
            break
        wanted = aligned[link.parent][link.referred].pg_type
        reason = f"refers to {link.parent}.{link.referred}, which is {wanted}"
        aligned[link.table][link.column] = TypeChoice(wanted, reason, told=True)
    return {**aligned}


def _links(schema: Schema) -> Iterator[_Link]:
    """The columns that refer to others, without those whose keys the server is to generate."""
    for table in schema.tables:
        for key in table.foreign_keys:
            parent = schema.parent(key)
            if parent is not None and parent.is_key(key.parent_columns):
                for mine, theirs in zip(key.columns, key.parent_columns, strict=False):
                    column, referred = table.column(mine).name, parent.column(theirs).name
                    if column != table.rowid_alias:
                        yield _Link(table.name, column, parent.name, referred)


def _should_follow(
    link: _Link,
    profiles: Mapping[str, Mapping[str, ColumnProfile]],
    choices: Mapping[str, Mapping[str, TypeChoice]],
) -> bool:
    """Whether PostgreSQL would refuse the pair as it is, and the column's values fit the other's type."""
    choice, wanted = choices[link.table][link.column], choices[link.parent][link.referred].pg_type
    if choice.configured or can_refer(choice.pg_type, wanted):
        return False
    return _holds(profiles[link.table][link.column], wanted)


def _holds(profile: ColumnProfile, pg_type: str) -> bool:
    """Whether every value is known to fit: looked at by the profile, or clear from the storage classes."""
    if pg_type in profile.misfits:
        return not profile.misfits[pg_type]
    filled = {storage for storage, count in profile.storage.items() if count} - {Storage.NULL}
    kept = {Storage.INTEGER: {"bigint", "numeric", "text"}, Storage.REAL: {"text"}, Storage.TEXT: {"text"}}
    return all(pg_type in kept.get(storage, set[str]()) for storage in filled)
