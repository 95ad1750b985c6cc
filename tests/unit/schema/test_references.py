"""A column that refers to one of another type takes that type where its values allow it."""

from collections.abc import Mapping

from opskit.schema.model import Column, ForeignKey, Schema, Storage, Table
from opskit.schema.references import align_foreign_keys
from opskit.schema.sqlite_reader import affinity
from opskit.schema.types import ColumnProfile, TypeChoice

NOTHING = ColumnProfile({Storage.NULL: 3}, {})
INTEGERS = ColumnProfile({Storage.INTEGER: 3}, {})
TEXTS = ColumnProfile({Storage.TEXT: 3}, {})


def table(name: str, parent: str = "", *, generated: bool = False) -> Table:
    """A table with a key `id`, which may refer to a parent's."""
    keys = (ForeignKey(("id",), parent, ("id",)),) if parent else ()
    alias = "id" if generated else None
    return Table(name, (Column("id", "", affinity("")),), ("id",), rowid_alias=alias, foreign_keys=keys)


def aligned(
    tables: Mapping[str, tuple[str, str, ColumnProfile]],
    *,
    configured: bool = False,
    generated: bool = False,
) -> dict[str, str]:
    """Table → the type of its key; given are its parent, the type chosen for it, and what it holds."""
    made = (table(name, parent, generated=generated) for name, (parent, _, _) in tables.items())
    schema = Schema(tuple(made))
    profiles = {name: {"id": profile} for name, (_, _, profile) in tables.items()}
    choices = {
        name: {"id": TypeChoice(pg_type, "", configured=configured)}
        for name, (_, pg_type, _) in tables.items()
    }
    found = align_foreign_keys(schema, profiles, choices)
    return {name: columns["id"].pg_type for name, columns in found.items()}


def test_a_column_without_values_takes_any_type() -> None:
    assert aligned({"p": ("", "uuid", TEXTS), "c": ("p", "text", NOTHING)})["c"] == "uuid"


def test_integers_become_texts_but_texts_no_integers() -> None:
    assert aligned({"p": ("", "text", TEXTS), "c": ("p", "bigint", INTEGERS)})["c"] == "text"
    assert aligned({"p": ("", "bigint", INTEGERS), "c": ("p", "text", TEXTS)})["c"] == "text"


def test_what_the_profile_has_found_to_fit_decides() -> None:
    for misfits, expected in ((0, "bigint"), (1, "double precision")):
        reals = ColumnProfile({Storage.REAL: 3}, {"bigint": misfits})
        tables = {"p": ("", "bigint", INTEGERS), "c": ("p", "double precision", reals)}
        assert aligned(tables)["c"] == expected


def test_types_that_postgresql_compares_stay() -> None:
    assert aligned({"p": ("", "numeric", INTEGERS), "c": ("p", "bigint", INTEGERS)})["c"] == "bigint"


def test_a_chain_is_followed_and_a_cycle_ends() -> None:
    chain = {"c": ("b", "text", NOTHING), "b": ("a", "text", NOTHING), "a": ("", "bigint", INTEGERS)}
    assert set(aligned(chain).values()) == {"bigint"}
    cycle = {"a": ("b", "text", NOTHING), "b": ("a", "bigint", NOTHING)}
    assert len(set(aligned(cycle).values())) == 1


def test_what_the_operator_has_chosen_stays() -> None:
    tables = {"p": ("", "bigint", INTEGERS), "c": ("p", "text", NOTHING)}
    assert aligned(tables, configured=True)["c"] == "text"


def test_a_key_that_the_server_generates_stays_a_number() -> None:
    tables = {"p": ("", "text", TEXTS), "c": ("p", "bigint", INTEGERS)}
    assert aligned(tables, generated=True)["c"] == "bigint"


def test_a_parent_that_is_not_there_changes_nothing() -> None:
    assert aligned({"c": ("gone", "text", NOTHING)}) == {"c": "text"}
