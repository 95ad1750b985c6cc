"""Which columns are compared with which, and what has no counterpart."""

from dataclasses import replace

from opskit.schema.designer import design
from opskit.schema.model import Affinity, Column, ForeignKey, Schema, Table, View
from opskit.schema.names import map_names
from opskit.schema.target_schema import PgColumn, PgTable, PgView, TargetSchema
from opskit.transfer.tables import SourceColumn, TargetTable
from opskit.verify.plan import Comparison, plan_comparison, presumed_choices


def table(name: str, *columns: str, key: tuple[str, ...] = ()) -> Table:
    return Table(name, tuple(Column(one, "TEXT", Affinity.TEXT) for one in columns), primary_key=key)


def target(name: str, **columns: str) -> TargetSchema:
    listed = tuple(PgColumn(column, kind) for column, kind in columns.items())
    return TargetSchema("public", {name: PgTable(name, columns=listed)})


def compare(source: Schema, target: TargetSchema) -> Comparison:
    names = map_names(source)
    wanted = design(source, presumed_choices(source, target, names, {}), names)
    return plan_comparison(source, target, names, wanted, None)


def said(comparison: Comparison) -> tuple[list[str], list[str]]:
    return [str(one) for one in comparison.faults], [str(one) for one in comparison.notes]


SOURCE = Schema((table("users", "Id", "xmin", key=("Id",)),))


def test_columns_are_paired_by_the_names_that_migrate_gave_them() -> None:
    comparison = compare(SOURCE, target("users", xmin_="text", Id="bytea"))
    pair = comparison.tables[0].pair
    assert pair.source.columns == (SourceColumn("Id", "bytea"), SourceColumn("xmin", "text"))
    assert pair.target == TargetTable("public", "users", ("Id", "xmin_"))
    assert pair.key == ("Id",)
    assert said(comparison) == ([], [])


def test_a_missing_table_is_a_fault_and_an_extra_one_a_note() -> None:
    comparison = compare(SOURCE, target("other", a="text"))
    assert comparison.tables == ()
    assert said(comparison) == (
        ["table users is missing in the target"],
        ["table other is only in the target"],
    )


def test_a_view_that_only_the_target_has_is_a_note() -> None:
    source = replace(SOURCE, views=(View("ours", "CREATE VIEW ours AS SELECT 1", ("1",)),))
    there = target("users", Id="text", xmin_="text")
    views = {name: PgView(name, materialized=False, definition="") for name in ("ours", "theirs")}
    assert said(compare(source, replace(there, views=views))) == ([], ["view theirs is only in the target"])


def test_without_its_key_column_a_table_is_compared_as_one_without_a_key() -> None:
    comparison = compare(SOURCE, target("users", xmin_="text", extra="integer"))
    pair = comparison.tables[0].pair
    assert pair.key == ()
    assert pair.target.columns == ("xmin_",)
    assert said(comparison) == (
        ["column Id of table users is missing in the target"],
        ["column extra of table users is only in the target"],
    )


def test_a_type_that_migrate_never_chooses_is_a_note() -> None:
    assert said(compare(SOURCE, target("users", Id="uuid", xmin_="text"))) == (
        [],
        ["column Id of table users is uuid; migrate would try text first"],
    )


def test_a_foreign_key_may_have_the_type_of_what_it_refers_to() -> None:
    users = replace(table("users", "Id"), foreign_keys=(ForeignKey(("id",), "other", ("id",)),))
    assert said(compare(Schema((users,)), target("users", Id="bigint"))) == ([], [])


def test_a_design_for_comparison_rests_on_the_types_that_stand_in_the_target() -> None:
    names = map_names(SOURCE)
    choices = presumed_choices(SOURCE, target("users", xmin_="uuid"), names, {})
    types = {column: choice.pg_type for column, choice in choices["users"].items()}
    assert types == {"Id": "text", "xmin": "uuid"}
