"""Names are kept exactly; those that PostgreSQL cannot hold become names that it can, each its own."""

from hypothesis import given
from hypothesis import strategies as st

from opskit.schema.model import Affinity, Column, Schema, Table, View, ascii_fold
from opskit.schema.names import MAX_BYTES, SYSTEM_COLUMNS, assign, fit, fit_column, map_names

NAMES = st.text(min_size=0, max_size=80).map(lambda text: text.encode("utf-8", "replace").decode())


def table(name: str, *columns: str) -> Table:
    return Table(name, tuple(Column(column, "TEXT", Affinity.TEXT) for column in columns))


def test_ordinary_names_are_kept_to_the_letter() -> None:
    names = map_names(Schema((table("Order Items", "Id", "select", "größe", 'say "hi"'),)))
    assert names.relation("Order Items") == "Order Items"
    assert [names.column("order items", one) for one in ("Id", "select", "größe", 'say "hi"')] == [
        "Id",
        "select",
        "größe",
        'say "hi"',
    ]


def test_names_are_looked_up_as_sqlite_does_without_ascii_case() -> None:
    names = map_names(Schema((table("Users", "Id"),)))
    assert names.relation("USERS") == "Users"
    assert names.column("uSERS", "ID") == "Id"


def test_names_of_63_bytes_are_kept_and_of_64_cut() -> None:
    assert fit("x" * 63) == "x" * 63
    assert len(fit("x" * 64)) == 63
    assert fit("x" * 64) != fit("x" * 65)


def test_a_name_is_never_cut_inside_a_character() -> None:
    cut = fit("ä" * 40)
    assert cut.startswith("ä" * 27)
    assert len(cut.encode()) <= MAX_BYTES


def test_the_names_of_system_columns_get_an_underscore() -> None:
    names = map_names(Schema((table("t", "xmin", "ctid", "xmin_"),)))
    assert names.column("t", "ctid") == "ctid_"
    assert names.column("t", "xmin_") == "xmin_"
    assert names.column("t", "xmin") not in {"xmin", "xmin_"}


def test_long_names_that_begin_alike_stay_apart() -> None:
    first, second = "a" * 70 + "1", "a" * 70 + "2"
    names = map_names(Schema((table(first), table(second)), (View("a" * 70, ""),)))
    assert len({names.relation(one) for one in (first, second, "a" * 70)}) == 3


def test_a_table_may_already_have_the_name_another_would_get() -> None:
    long = "b" * 80
    names = map_names(Schema((table(long), table(fit(long)))))
    assert names.relation(fit(long)) == fit(long)
    assert names.relation(long) != fit(long)


@given(st.lists(NAMES, unique_by=ascii_fold, max_size=12))
def test_all_names_fit_and_are_different(names: list[str]) -> None:
    for fitting in (fit, fit_column):
        targets = assign(names, fitting)
        assert targets.keys() == {ascii_fold(name) for name in names}
        assert len(set(targets.values())) == len(names)
        for target in targets.values():
            assert 0 < len(target.encode()) <= MAX_BYTES
            assert "\0" not in target


@given(NAMES)
def test_fitting_is_stable(name: str) -> None:
    assert fit(fit(name)) == fit(name)
    assert fit_column(name) not in SYSTEM_COLUMNS
