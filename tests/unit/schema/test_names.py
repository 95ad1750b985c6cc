"""Names are kept exactly; those that PostgreSQL cannot hold become names that it can, each its own."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from opskit.schema.model import Affinity, Column, Schema, Table, View, ascii_fold
from opskit.schema.names import MAX_BYTES, SYSTEM_COLUMNS, fit, fit_column, map_names

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


def test_only_tables_have_system_columns() -> None:
    names = map_names(Schema((), (View("v", "", ("xmin", "x" * 64)),)))
    assert names.column("v", "xmin") == "xmin"
    assert names.column("v", "x" * 64) == fit("x" * 64)


def test_long_names_that_begin_alike_stay_apart() -> None:
    first, second = "a" * 70 + "1", "a" * 70 + "2"
    names = map_names(Schema((table(first), table(second)), (View("a" * 70, ""),)))
    assert len({names.relation(one) for one in (first, second, "a" * 70)}) == 3


def test_a_table_may_already_have_the_name_another_would_get() -> None:
    long = "b" * 80
    names = map_names(Schema((table(long), table(fit(long)))))
    assert names.relation(fit(long)) == fit(long)
    assert names.relation(long) != fit(long)


def test_folded_names_are_found_by_sql_without_quotes() -> None:
    schema = Schema((table("OrderItems", "Id", "ÄRGER", "Unit Price"),), (View("Totals", "", ("Sum", "N")),))
    names = map_names(schema, fold=True)
    assert names.relation("OrderItems") == "orderitems"
    assert [names.column("OrderItems", one) for one in ("Id", "ÄRGER", "Unit Price")] == [
        "id",
        "Ärger",  # PostgreSQL folds ASCII only
        "unit price",
    ]
    assert (names.relation("Totals"), names.column("Totals", "Sum")) == ("totals", "sum")
    assert names.fitted("IX_Orders") == "ix_orders"


def test_what_folding_brings_together_stays_apart() -> None:
    names = map_names(Schema((table("T", "XMIN", "xmin_", "Xmin__2"),)), fold=True)
    targets = [names.column("T", one) for one in ("XMIN", "xmin_", "Xmin__2")]
    assert targets[1] == "xmin_"
    assert len(set(targets)) == 3


def test_a_name_with_nothing_in_it_gets_one() -> None:
    names = map_names(Schema((table("", "", "_"),)))
    assert names.relation("") == "_"
    assert {names.column("", ""), names.column("", "_")} == {"_", "__2"}


ODD = st.sampled_from(
    (
        *(
            "",
            "_",
            "select",
            "User",
            "USER_2",
            "ctid",
            "CTID",
            "ctid_",
            "oid",
            'a"b',
            "a.b",
            "a\nb",
            "ä" * 31,
        ),
        *("x" * 62, "x" * 63, "x" * 64, "X" * 64, "x" * 65, "é" * 32, "a" + "é" * 32, "😀" * 16),
    )
)
"""Names that are special to PostgreSQL, or whose 63rd byte is."""


@given(st.lists(ODD | NAMES, unique_by=ascii_fold, max_size=12), st.booleans(), st.randoms())
def test_all_names_fit_and_are_different(names: list[str], fold: bool, random: Random) -> None:
    schema = Schema(tuple(table(name, *names) for name in names))
    mapped = map_names(schema, fold=fold)
    relations = [mapped.relation(name) for name in names]
    for targets in (relations, *([mapped.column(one, name) for name in names] for one in names)):
        assert len(set(targets)) == len(names)
        for target in targets:
            assert 0 < len(target.encode()) <= MAX_BYTES
            assert "\0" not in target
            assert not fold or target == ascii_fold(target)
    random.shuffle(names)
    assert map_names(Schema(tuple(table(name, *names) for name in names)), fold=fold) == mapped


@given(st.lists(ODD | NAMES, unique_by=ascii_fold, max_size=8), st.booleans())
def test_names_that_were_mapped_once_are_kept(names: list[str], fold: bool) -> None:
    first = map_names(Schema((table("t", *names),)), fold=fold)
    again = [first.column("t", name) for name in names]
    if len({ascii_fold(one) for one in again}) == len(again):  # SQLite could hold them too
        second = map_names(Schema((table("t", *again),)), fold=fold)
        assert [second.column("t", one) for one in again] == again


@given(ODD | NAMES)
def test_fitting_is_stable(name: str) -> None:
    assert fit(fit(name)) == fit(name)
    assert fit_column(fit_column(name)) == fit_column(name)
    assert fit_column(name) not in SYSTEM_COLUMNS
