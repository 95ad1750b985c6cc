"""Which columns are compared with which, and what has no counterpart."""

from opskit.schema.model import Affinity, Column, Schema, Table
from opskit.schema.target_schema import PgColumn, PgKey, PgTable, TargetSchema
from opskit.transfer.tables import SourceColumn, TargetTable
from opskit.verify.plan import plan_comparison


def table(name: str, *columns: str, key: tuple[str, ...] = ()) -> Table:
    return Table(name, tuple(Column(one, "TEXT", Affinity.TEXT) for one in columns), primary_key=key)


def target(name: str, key: tuple[str, ...] = (), **columns: str) -> TargetSchema:
    primary = PgKey(f"{name}_pkey", key, primary=True) if key else None
    listed = tuple(PgColumn(column, kind) for column, kind in columns.items())
    return TargetSchema("public", {name: PgTable(name, columns=listed, primary_key=primary)})


SOURCE = Schema((table("users", "Id", "xmin", key=("Id",)),))


def test_columns_are_paired_by_the_names_that_migrate_gave_them() -> None:
    comparison = plan_comparison(SOURCE, target("users", ("Id",), xmin_="text", Id="bigint"))
    (pair,) = comparison.pairs
    assert pair.source.columns == (SourceColumn("Id", "bigint"), SourceColumn("xmin", "text"))
    assert pair.target == TargetTable("public", "users", ("Id", "xmin_"))
    assert pair.key == ("Id",)
    assert (comparison.faults, comparison.notes) == ((), ())


def test_a_missing_table_is_a_fault_and_an_extra_one_a_note() -> None:
    comparison = plan_comparison(SOURCE, target("other", a="text"))
    assert comparison.pairs == ()
    assert comparison.faults == ("table users is missing in the target",)
    assert comparison.notes == ("table other is only in the target",)


def test_without_its_key_column_a_table_is_compared_as_one_without_a_key() -> None:
    comparison = plan_comparison(SOURCE, target("users", xmin_="text", extra="int"))
    (pair,) = comparison.pairs
    assert pair.key == ()
    assert pair.target.columns == ("xmin_",)
    assert comparison.faults == (
        "column Id of table users is missing in the target",
        "the primary key of table users is not (Id) in the target",
    )
